#!/bin/sh
# A wrapper that does not exec, as npm start and poetry run do: it starts its arguments as a process of their own, and stays.
"$@"
true
