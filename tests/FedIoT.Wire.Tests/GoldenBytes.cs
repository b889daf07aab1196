namespace FedIoT.Wire.Tests;

/// <summary>
/// Pinned bytes of version 1, one <c>name hex</c> a line in Vectors/wire-1.txt. A released version's bytes never
/// change: a new form is a new version with a file of its own.
/// </summary>
internal static class GoldenBytes
{
    public static void Check(string name, byte[] actual)
    {
        string file = Path.Combine(AppContext.BaseDirectory, "Vectors", "wire-1.txt");
        string? line = File.ReadLines(file).FirstOrDefault(l => l.StartsWith(name + " ", StringComparison.Ordinal));
        string hex = Convert.ToHexStringLower(actual);
        Assert.True(line == $"{name} {hex}", $"pinned: {line ?? "nothing"}; got: {name} {hex}");
    }
}
