// Elements without markup. Every text, including all names chosen by miners, becomes a text node; the page's
// policy (trusted types) forbids any other way.
//
// A page is rendered whole each time and patched into the existing one: what did not change keeps its focus,
// its selection and its open details.

const SVG = "http://www.w3.org/2000/svg";

/** An element. Attributes that are null or false are left out, those named on… are handlers. */
export function h(tag, attributes, ...children) {
    return fill(document.createElement(tag), attributes, children);
}

/** An element of a drawing. */
export function s(tag, attributes, ...children) {
    return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes ?? {})) {
        if (name.startsWith("on")) {
            element[name] = value;
        } else if (value !== null && value !== undefined && value !== false) {
            element.setAttribute(name, value === true ? "" : String(value));
        }
    }
    element.append(...nodes(children));
    return element;
}

/** Nested lists of nodes, texts and numbers as one list of nodes; what is null or false is left out. */
function nodes(children) {
    return children
        .flat(Infinity)
        .filter((child) => child !== null && child !== undefined && child !== false)
        .map((child) => (child instanceof Node ? child : document.createTextNode(String(child))));
}

/** Makes the children of `parent` these, with as few changes as possible. */
export function patch(parent, ...children) {
    patchNodes(parent, nodes(children));
}

function patchNodes(parent, wanted) {
    const keyed = new Map();
    for (const child of parent.childNodes) {
        if (keyOf(child)) keyed.set(keyOf(child), child);
    }
    const reused = new Set(wanted.filter((node) => node.parentNode === parent));
    let place = parent.firstChild;
    const advance = () => {
        while (place && reused.has(place)) place = place.nextSibling;
    };
    for (const node of wanted) {
        if (reused.has(node)) {
            if (node === place) place = place.nextSibling;
            else parent.insertBefore(node, place);
            continue;
        }
        const old = keyOf(node) ? keyed.get(keyOf(node)) : place;
        if (!old || reused.has(old) || !alike(old, node)) {
            parent.insertBefore(node, place);
            continue;
        }
        if (old === place) place = place.nextSibling;
        else parent.insertBefore(old, place);
        morph(old, node);
    }
    advance();
    while (place) {
        const next = place.nextSibling;
        if (!reused.has(place)) place.remove();
        place = next;
    }
}

const keyOf = (node) => node.dataset?.key;

const alike = (one, other) => one.nodeName === other.nodeName && keyOf(one) === keyOf(other);

const HANDLERS = ["onclick", "onsubmit", "onchange", "oninput"];

function morph(old, wanted) {
    if (old.nodeType === Node.TEXT_NODE) {
        if (old.data !== wanted.data) old.data = wanted.data;
        return;
    }
    for (const name of old.getAttributeNames()) {
        // The reader decides whether details are open.
        if (!wanted.hasAttribute(name) && name !== "open") old.removeAttribute(name);
    }
    for (const name of wanted.getAttributeNames()) {
        const value = wanted.getAttribute(name);
        if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    for (const handler of HANDLERS) old[handler] = wanted[handler];
    patchNodes(old, [...wanted.childNodes]);
}
