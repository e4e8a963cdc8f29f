"""Sources of figures outside the library: one module each behind `base.Source`; `gather.gather` is the way in."""
