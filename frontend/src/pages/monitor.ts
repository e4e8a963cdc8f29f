// The operators' page.

import "../styles/monitor.css";
import "../monitor/monitor-element.ts";
