"""Says of each figure in a text whether the record has it. Rules only, no model; `check` is the way in."""
