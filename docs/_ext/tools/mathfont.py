"""Make the font of formulas, with the characters that ``docs/formulas.toml`` lists.

``docs/_theme/autograd/static/stix-two-math.woff2`` is a part of STIX Two Math 2.11 with every size
of its brackets, roots, sums, arrows and accents, mended for Chromium where it falls short. To add
a character, name it there and make the font again::

    python -m pip install --no-deps --target build/stix ziamath==0.13
    python docs/_ext/tools/mathfont.py build/stix/ziamath/fonts/STIXTwoMath-Regular.ttf
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from pages.mathml import CHARACTERS, LISTED

FONT = Path(__file__).parents[2] / "_theme/autograd/static/stix-two-math.woff2"


def keep_script_forms(font, characters):
    """Of the forms for scripts keep those of ``characters``, and offer them to every browser.

    A prime is drawn raised; in a superscript its script form stands at the right height. The
    font offers ``ssty`` to text in the script ``math`` alone, which Chromium's text never is.
    """
    table, names = font["GSUB"].table, font.getBestCmap()
    kept = {names[ord(character)] for character in characters}
    records = table.FeatureList.FeatureRecord
    [index] = (i for i, record in enumerate(records) if record.FeatureTag == "ssty")
    for lookup in records[index].Feature.LookupListIndex:
        for forms in table.LookupList.Lookup[lookup].SubTable:
            forms.alternates = {glyph: forms.alternates[glyph] for glyph in kept}
    for record in table.ScriptList.ScriptRecord:
        features = record.Script.DefaultLangSys.FeatureIndex
        features.extend({index}.difference(features))


def narrow_roots(font):
    """Give every size of the root the width of the smallest.

    Chromium leaves as much room after a root, of any size, as the widest size would take.
    """
    sizes, width = font["MATH"].table.MathVariants, font["hmtx"]
    root = font.getBestCmap()[ord("√")]
    forms = sizes.VertGlyphConstruction[sizes.VertGlyphCoverage.glyphs.index(root)]
    larger = [form.VariantGlyph for form in forms.MathGlyphVariantRecord]
    larger += [part.glyph for part in forms.GlyphAssembly.PartRecords]
    for name in larger:
        glyph = font["glyf"][name]
        glyph.coordinates.scale((width[root][0] / width[name][0], 1))
        glyph.coordinates.toInt()
        glyph.recalcBounds(font["glyf"])
        width[name] = width[root][0], glyph.xMin


def make(source):
    """Write ``FONT`` from the file of the whole font."""
    from fontTools import subset

    options = subset.Options(
        flavor="woff2",
        layout_features=["ssty"],
        name_IDs=[0, 1, 2, 5, 7, 13, 14],  # with the copyright, the trademark and the licence
        hinting=False,
        bidi_closure=False,
        recalc_timestamp=False,
    )
    font = subset.load_font(source, options)
    keep_script_forms(font, LISTED["primes"])
    narrow_roots(font)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text="".join(CHARACTERS))
    subsetter.subset(font)
    subset.save_font(font, FONT, options)


if __name__ == "__main__":
    make(sys.argv[1])
