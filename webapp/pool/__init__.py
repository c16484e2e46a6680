"""The pool of analyzer workers: which picture is next, the processes, and the sockets to them."""
