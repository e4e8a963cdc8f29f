// The dashboard: the form that starts a debate.

import "../styles/dashboard.css";
import { StartForm } from "../dashboard/start-form.ts";

const form = document.querySelector<HTMLFormElement>("[data-start-form]");
if (form) new StartForm(form);
