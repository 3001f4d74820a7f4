"""The papers: `papers.protocol("zhang2018", "flickr8k")`, `papers.tables("zhang2018")`, …

A paper is a folder here, found by its name. To add a paper, add a folder with

- `about.toml`: `title`, `year`, and what each figure of its notebook shows under `[captions]`;
  `unified_gallery = true` where it searches unified codes; under `[other_backbone]` its datasets
  that have other features here;
- `tables.csv`: every number it prints, in the columns of `printed.COLUMNS`;
- `errata.toml`: `where`, what is `printed` there, and our `interpretation`;
- `protocol.py`: `METHODS` in the order of its tables, `DATASETS` with the setup on each, and
  `protocol(request, …)`, which gets an `experiments.protocol.Request`;
- `settings.toml`: the settings on each dataset, where `folders.setups` reads them;
- `claims.toml`: what it says in words: `text`, `source` (section or table), `datasets`, `check`,
  and `most` with the paper's words where it speaks of most cases;
- `studies.py` where needed: further runs, such as those that chose the settings.

Its methods name it in `papers` of `hashers/methods.toml`, or of `hashers.register`.

`side_by_side` is a folder without tables, errata and claims: all methods under one protocol.
"""

from mmhash_nb.papers.compare import as_evaluated
from mmhash_nb.papers.folders import captions, errata, names, protocol, title
from mmhash_nb.papers.printed import tables
from mmhash_nb.papers.verdicts import claims
