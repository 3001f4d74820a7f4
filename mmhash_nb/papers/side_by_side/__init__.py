"""All methods of all papers under one protocol: no paper prints these numbers."""

from mmhash_nb.papers.side_by_side import protocol, tables
