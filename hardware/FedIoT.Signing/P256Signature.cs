namespace FedIoT.Signing;

/// <summary>
/// ECDSA P-256 signatures as the chain takes them: r ‖ s with s in the lower half of the group. (r, n − s) is valid
/// for the same message, so a chain that took both would have two encodings of one vote.
/// </summary>
internal static class P256Signature
{
    public const int Bytes = 64;

    private const int ScalarBytes = 32;

    // n and n / 2 of NIST P-256 (SEC 2 §2.4.2).
    private static ReadOnlySpan<byte> Order =>
    [
        0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
        0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
    ];

    private static ReadOnlySpan<byte> HalfOrder =>
    [
        0x7F, 0xFF, 0xFF, 0xFF, 0x80, 0x00, 0x00, 0x00, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
        0xDE, 0x73, 0x7D, 0x56, 0xD3, 0x8B, 0xCF, 0x42, 0x79, 0xDC, 0xE5, 0x61, 0x7E, 0x31, 0x92, 0xA8,
    ];

    /// <summary>Replaces a high s by n − s, in place.</summary>
    /// <param name="signature">r ‖ s, 64 bytes, s below n (a verifier refuses anything else anyway).</param>
    public static void NormalizeLowS(Span<byte> signature)
    {
        Span<byte> s = signature.Slice(ScalarBytes, ScalarBytes);
        if (s.SequenceCompareTo(HalfOrder) <= 0 || s.SequenceCompareTo(Order) >= 0)
        {
            return;
        }

        int borrow = 0;
        for (int i = ScalarBytes - 1; i >= 0; i--)
        {
            int difference = Order[i] - s[i] - borrow;
            borrow = difference < 0 ? 1 : 0;
            s[i] = (byte)(difference + (borrow << 8));
        }
    }
}
