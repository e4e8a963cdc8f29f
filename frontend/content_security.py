"""The pages' addition to the site's Content Security Policy."""

from csp.decorators import csp_update

# Only these two libraries may make DOM from a string: the page's own templates, and formulas.
trusted_types = csp_update(
    {"require-trusted-types-for": ["'script'"], "trusted-types": ["lit-html", "dompurify"]}
)
