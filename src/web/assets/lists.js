// Lists, search, and the pages that lead to a run.
