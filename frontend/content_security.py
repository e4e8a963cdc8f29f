"""The Content Security Policy of the pages, beyond the site's own."""

from csp.decorators import csp_update

# DOM from a model's text is made only by these two libraries; a string cannot become markup.
trusted_types = csp_update(
    {"require-trusted-types-for": ["'script'"], "trusted-types": ["lit-html", "dompurify"]}
)
