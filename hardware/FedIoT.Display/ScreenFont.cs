namespace FedIoT.Display;

/// <summary>Letters of five columns and seven rows, bit 0 on top: what <see cref="ScreenText"/> uses and no more.
/// </summary>
public static class ScreenFont
{
    /// <summary>Columns of a character, with the gap behind it.</summary>
    public const int Advance = 6;

    private static readonly Dictionary<char, ulong> Glyphs = new()
    {
        [' '] = 0x0000000000, ['0'] = 0x3E5149453E, ['1'] = 0x00427F4000, ['2'] = 0x4261514946, ['3'] = 0x2141454B31,
        ['4'] = 0x1814127F10, ['5'] = 0x2745454539, ['6'] = 0x3C4A494930, ['7'] = 0x0171090503, ['8'] = 0x3649494936,
        ['9'] = 0x064949291E, ['A'] = 0x7E1111117E, ['B'] = 0x7F49494936, ['C'] = 0x3E41414122, ['D'] = 0x7F4141221C,
        ['E'] = 0x7F49494941, ['F'] = 0x7F09090901, ['G'] = 0x3E4149497A, ['H'] = 0x7F0808087F, ['I'] = 0x00417F4100,
        ['J'] = 0x2040413F01, ['K'] = 0x7F08142241, ['L'] = 0x7F40404040, ['M'] = 0x7F020C027F, ['N'] = 0x7F0408107F,
        ['O'] = 0x3E4141413E, ['P'] = 0x7F09090906, ['Q'] = 0x3E4151215E, ['R'] = 0x7F09192946, ['S'] = 0x4649494931,
        ['T'] = 0x01017F0101, ['U'] = 0x3F4040403F, ['V'] = 0x1F2040201F, ['W'] = 0x3F4038403F, ['X'] = 0x6314081463,
        ['Y'] = 0x0708700807, ['Z'] = 0x6151494543, ['.'] = 0x0060600000, [':'] = 0x0036360000, ['-'] = 0x0808080808,
        ['/'] = 0x2010080402, ['%'] = 0x2313086462, ['?'] = 0x0201510906,
    };

    /// <summary>True when the character has a glyph of its own.</summary>
    public static bool Has(char character) => Glyphs.ContainsKey(character);

    /// <summary>Draws a line of text into one page of the display: a byte a column, bit 0 on top.</summary>
    /// <param name="text">What does not fit is cut; a character without a glyph becomes a question mark.</param>
    /// <param name="page">The page, overwritten.</param>
    public static void Draw(string text, Span<byte> page)
    {
        page.Clear();
        for (int i = 0; i < text.Length && (i + 1) * Advance <= page.Length; i++)
        {
            ulong glyph = Glyphs.GetValueOrDefault(text[i], Glyphs['?']);
            for (int column = 0; column < 5; column++)
            {
                page[(i * Advance) + column] = (byte)((glyph >> (8 * (4 - column))) & 0xFF);
            }
        }
    }
}
