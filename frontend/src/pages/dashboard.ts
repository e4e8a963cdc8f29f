// The dashboard: the form that starts a debate.

import { StartForm } from "../dashboard/start-form.ts";

const form = document.querySelector<HTMLFormElement>("[data-start-form]");
if (form) new StartForm(form);
