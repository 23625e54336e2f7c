-- Any line of a long output is found by one step down this index, which is also in the order of the answer.
create index output_segment_by_lines on output_segment (attempt, last_line, idx);
drop index output_segment_by_line;
