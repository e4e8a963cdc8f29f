// The operators' page.

import "./styles/monitor.css";
import "./monitor-element.ts";
