"""Sources of figures, against stand-ins behind real sockets."""
