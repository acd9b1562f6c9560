// Light, dark, or what the system says. Runs before the first paint; main.js puts the switch to use.
"use strict";
{
    const NAMES = ["auto", "light", "dark"];
    const root = document.documentElement;

    // A browser may refuse storage; the choice then lasts as long as the page.
    const stored = () => {
        try {
            return localStorage.getItem("theme");
        } catch {
            return null;
        }
    };
    const store = (name) => {
        try {
            localStorage.setItem("theme", name);
        } catch {
            // Nothing to be done about it.
        }
    };

    const set = (name) => {
        root.dataset.theme = NAMES.includes(name) ? name : "auto";
    };
    set(stored());

    document.addEventListener("DOMContentLoaded", () => {
        const button = document.getElementById("theme");
        const show = () => {
            button.textContent = `Theme: ${root.dataset.theme}`;
        };
        button.addEventListener("click", () => {
            set(NAMES[(NAMES.indexOf(root.dataset.theme) + 1) % NAMES.length]);
            store(root.dataset.theme);
            show();
        });
        button.hidden = false;
        show();
    });
}
