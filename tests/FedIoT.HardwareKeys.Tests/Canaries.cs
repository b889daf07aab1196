using System.Text;
using Xunit;

namespace FedIoT.HardwareKeys.Tests;

/// <summary>Secrets that were planted, and the search for them in every form in which one could slip out.</summary>
internal sealed class Canaries
{
    private readonly List<(string Name, byte[] Form)> forms = [];

    public int Count { get; private set; }

    public byte[] Add(string name, byte[] secret)
    {
        Count++;
        string base64 = Convert.ToBase64String(secret).TrimEnd('=');
        string[] texts =
        [
            Convert.ToHexString(secret), Convert.ToHexStringLower(secret), base64,
            base64.Replace('+', '-').Replace('/', '_'), Convert.ToHexString(secret, 0, secret.Length / 2),
            BitConverter.ToString(secret), string.Join(", ", secret), string.Join(",", secret),
        ];
        forms.Add((name, secret));
        forms.AddRange(texts.Select(t => (name, Encoding.ASCII.GetBytes(t))));
        forms.Add((name + " in UTF-16", Encoding.Unicode.GetBytes(Encoding.Latin1.GetString(secret))));
        return secret;
    }

    public string AddText(string name, string secret)
    {
        Add(name, Encoding.ASCII.GetBytes(secret));
        return secret;
    }

    /// <summary>Names of the canaries in these bytes.</summary>
    public IReadOnlyList<string> Find(ReadOnlySpan<byte> bytes)
    {
        var found = new List<string>();
        foreach ((string name, byte[] form) in forms)
        {
            if (bytes.IndexOf(form) >= 0)
            {
                found.Add(name);
            }
        }

        return [.. found.Distinct()];
    }

    public void AssertNoneIn(string place, ReadOnlySpan<byte> bytes)
    {
        IReadOnlyList<string> found = Find(bytes);
        Assert.True(found.Count == 0, $"{place} holds {string.Join(", ", found)}");
    }

    public void AssertNoneIn(string place, string text) => AssertNoneIn(place, Encoding.UTF8.GetBytes(text));
}
