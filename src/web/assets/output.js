// Long output.
