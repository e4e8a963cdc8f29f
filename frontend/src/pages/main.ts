// Every page: the style sheet, the theme, the menu, copy buttons, and what the dashboard needs.

import "../styles/main.css";
import { forgetSubmission, setUpCopyButtons } from "../shared/clipboard.ts";
import { keepDebatesFresh } from "../dashboard/debate-list.ts";
import { setUpStartForm } from "../dashboard/start-form.ts";
import { setUpThemeToggle, tellTimeZone } from "../shared/theme.ts";

setUpThemeToggle();
tellTimeZone();
setUpCopyButtons();
forgetSubmission();
const form = document.querySelector<HTMLFormElement>("[data-start-form]");
if (form) setUpStartForm(form);
if (document.querySelector("[data-debates]")) keepDebatesFresh();
