public class UsesSpan { private static int Length(System.Span<byte> bytes) { return bytes.Length; } }
