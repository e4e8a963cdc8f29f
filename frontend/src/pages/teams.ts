// The pages of teams: the list, and the editor.

import "../styles/teams.css";
import "../teams/editor-element.ts";
import { setUpImport } from "../teams/import.ts";

const page = document.querySelector<HTMLElement>(".teams");
if (page) setUpImport(page);
