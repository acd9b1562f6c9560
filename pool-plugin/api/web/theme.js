// Light, dark, or the system's choice. Runs before the first paint; main.js connects the switch.
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
            // The choice then lasts as long as the page.
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
