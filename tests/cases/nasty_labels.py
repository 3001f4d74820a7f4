"""Labels in a table in every form that people's programs write, each a small set of cells."""

#: the labels that all tables below mean, by row
MEANT = [
    ("dog", "beach"),
    ("dog",),
    ("cat", "beach"),
    ("cat",),
    ("dog", "cat"),
    ("beach",),
    ("dog", "beach", "cat"),
    ("cat", "sea"),
    ("sea", "beach"),
    ("dog", "sea"),
    ("sea",),
    ("cat", "dog", "sea"),
]
NAMES = ("beach", "cat", "dog", "sea")


def joined(mark: str) -> list[str]:
    """Cells whose labels are separated by a mark."""
    return [mark.join(row) for row in MEANT]


def vectors(mark: str, ones: str = "1", zeros: str = "0", around: str = "{}") -> list[str]:
    """Cells of ones and zeros, one for each name."""
    return [
        around.format(mark.join(ones if name in row else zeros for name in NAMES)) for row in MEANT
    ]


def one_cell(cell: str) -> list[str]:
    """Good cells but for one."""
    return [*joined(";")[:-1], cell]


#: by name: cells that are surely no labels, and what the refusal says
REFUSED = {
    "a comma": (joined(", "), "labels with ',', such as 'dog, beach', of "),
    "a comma alone": (joined(","), "labels with ','"),
    "a bar": (joined("|"), "labels with '|'"),
    "a Chinese comma": (joined("、"), "labels with '、'"),
    "a wide semicolon": (joined("；"), "labels with '；'"),
    "a tab": (joined("\t"), "a tab or line break in the labels 'dog\\tbeach'"),
    "lines": (joined("\n"), "a tab or line break in the labels 'dog\\nbeach'"),
    "a list of Python": (
        [str(list(r)) for r in MEANT],
        "the list \"['dog', 'beach']\" in",
    ),
    "a tuple": ([str(r) for r in MEANT], "the list \"('dog', 'beach')\" in place of labels"),
    "a set": ([str({*r}) for r in MEANT], "in place of labels (write 'dog')"),
    "a list of JSON": ([f'["{r[0]}", "a"]' for r in MEANT], "(write 'dog;a')"),
    "a list without quotes": ([f"[{c}]" for c in joined(", ")], "(write 'dog;beach')"),
    "an array": ([f"array(['{c}'])" for c in joined("' '")], "the list "),
    "quotes": (
        [f'"{c}"' for c in joined('";"')],
        "in quotes, '\"dog\"' (write 'dog;beach')",
    ),
    "quotes and commas": ([repr(r)[1:-1].rstrip(",") for r in MEANT], "labels in quotes"),
    "ones": (vectors(" "), "the vector '1 0 1 0' in place of labels"),
    "ones by comma": (vectors(","), "the vector '1,0,1,0' in place of labels"),
    "ones by semicolon": (vectors(";"), "the vector '1;0;1;0' in place of labels"),
    "ones by bar": (vectors("|"), "the vector '1|0|1|0' in place of labels"),
    "ones in brackets": (vectors(" ", around="[{}]"), "the vector '[1 0 1 0]' in place of"),
    "ones in an array": (vectors(", ", around="array([{}])"), "the vector 'array([1, 0, 1, 0])'"),
    "ones with points": (vectors(" ", "1.", "0.", "[{}]"), "the vector '[1. 0. 1. 0.]'"),
    "floats": (vectors(",", "1.0", "0.0"), "the vector '1.0,0.0,1.0,0.0'"),
    "signs": (vectors(" ", "1", "-1"), "the vector '1 -1 1 -1'"),
    "truths": (vectors(" ", "True", "False"), "the vector 'True False True False'"),
    "bits": (vectors(""), "are vectors of zeros and ones, such as '1010': write the names"),
    "two columns": (["0;1", "1;0"] * 6, "are vectors of zeros and ones, such as '0;1'"),
    **{
        f"missing {mark}": (one_cell(mark), f"the label {mark!r}, as is written for a value")
        for mark in [
            "nan",
            "NaN",
            "None",
            "N/A",
            "n/a",
            "#N/A",
            "NULL",
            "null",
            "<NA>",
            "-",
            "—",
            "?",
        ]
    },
    "a missing one of two": (one_cell("dog;nan"), "the label 'nan', as is written"),
    "nothing seen": (one_cell("\u200b"), "no labels"),
    "one of two not seen": (one_cell("dog;\u200b"), "an empty label in 'dog;'"),
}
#: by name: cells that mean the labels, which are the same to a reader
SAME = {
    "plain": joined(";"),
    "spaces": [f" {c} " for c in joined(" ; ")],
    "spaces that do not break": [c.replace(";", "\u00a0;\u2009") + "\u00a0" for c in joined(";")],
    "nothing of no width": [
        "\ufeff" + c.replace("o", "o\u200b\u00ad") + "\u200e" for c in joined(";")
    ],
    "again": [f"{c};{c}" for c in joined(";")],
}
#: by name: cells that may be meant otherwise, and the sentence on them
DOUBTED = {
    "places": (
        [*joined(";")[:-1], "dog;Washington, DC"],
        "1 label with ',', such as 'Washi",
    ),
    "NA": ([*joined(";")[:-2], "NA", "NA"], "'NA' (2 rows) in "),
    "case": ([*joined(";")[:-1], "Dog"], "'Dog' (1 row) in "),
    "numbers": (["1", "1.0", "2", "2", "3", "3"] * 2, "'1' (2 rows), '1.0' (2 rows) in "),
    "hyphens": (
        [*joined(";")[:-2], "sea bird", "sea-bird"],
        "'sea bird' (1 row), 'sea-",
    ),
    "wide letters": ([*joined(";")[:-1], "ｃａｔ"], "'ｃａｔ' (1 row)"),
}
