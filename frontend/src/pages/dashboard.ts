// The dashboard: the form that starts a debate, and the list of debates.

import { keepDebatesFresh } from "../dashboard/debate-list.ts";
import { StartForm } from "../dashboard/start-form.ts";

const form = document.querySelector<HTMLFormElement>("[data-start-form]");
if (form) new StartForm(form);
if (document.querySelector("[data-debates]")) keepDebatesFresh();
