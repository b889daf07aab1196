using FedIoT.Consensus;
using FedIoT.Gateway.Cli;
using FedIoT.Wire.Cose;

namespace FedIoT.Gateway.Configuration;

/// <summary>
/// What one gateway tells the others before there is a chain: <c>gateway.pub.toml</c>. No secret in it; whoever
/// assembles the genesis must get it over a way that nobody else writes to.
/// </summary>
/// <param name="ChainId">The chain it wants to be part of.</param>
/// <param name="Key">Its node key.</param>
/// <param name="Address">host:port where other gateways reach it.</param>
internal sealed record PublicPart(string ChainId, VerifyingKey Key, string Address)
{
    /// <summary>Name of the file that <c>fediot init</c> writes.</summary>
    public const string FileName = "gateway.pub.toml";

    private static readonly IReadOnlyDictionary<string, SignatureAlgorithm> Algorithms =
        new Dictionary<string, SignatureAlgorithm>(StringComparer.Ordinal)
        {
            ["ed25519"] = SignatureAlgorithm.EdDsa,
            ["p256"] = SignatureAlgorithm.Es256,
        };

    /// <summary>The text of the file.</summary>
    public string ToText() =>
        $"""
        # Public part of a FedIoT gateway, for 'fediot chain genesis'. Holds no secret.
        chain_id = "{ChainId}"
        account = "{Key.Account}"
        algorithm = "{Algorithms.First(a => a.Value == Key.Algorithm).Key}"
        public_key = "{Convert.ToHexStringLower(Key.Bytes)}"
        address = "{Address}"

        """;

    /// <summary>The block that tells other gateways about this one.</summary>
    public string ToPeerTable() =>
        $"""
        [[chain.peer]]
        account = "{Key.Account}"
        address = "{Address}"

        """;

    /// <summary>Reads a file.</summary>
    /// <exception cref="InputException">It is missing or wrong.</exception>
    public static PublicPart Read(string path)
    {
        var problems = new ProblemList();
        PublicPart? read = TomlFile.Parse(
            GatewayConfigurationReader.ReadText(path, $"'fediot init' of each gateway makes its {FileName}"), path,
            problems) is { } file ? Bind(file) : null;
        problems.ThrowIfAny(path);
        return read!;
    }

    private static PublicPart? Bind(TomlFile file)
    {
        TomlTable root = file.Root;
        string chainId = root.Text("chain_id", "plant-7");
        string account = root.Text("account", "64 hexadecimal digits");
        SignatureAlgorithm algorithm = root.Choice("algorithm", Algorithms);
        string digits = root.Text("public_key", "hexadecimal digits");
        string address = root.Text("address", "gateway-1.lan:7400");
        if (!PeerAddress.TrySplit(address, out _, out _))
        {
            root.Refuse("address", "host:port");
        }

        file.RefuseUnknown();
        VerifyingKey? key = Import(algorithm, digits);
        if (key is null)
        {
            root.Refuse("public_key", $"a public key of algorithm {algorithm} in hexadecimal digits");
        }
        else if (key.Account.ToString() != account)
        {
            root.Refuse("account", $"{key.Account}, the account of this public_key");
        }

        return key is null ? null : new PublicPart(chainId, key, address);
    }

    private static VerifyingKey? Import(SignatureAlgorithm algorithm, string digits)
    {
        try
        {
            return VerifyingKey.TryImport(algorithm, Convert.FromHexString(digits), out VerifyingKey? key) ? key : null;
        }
        catch (FormatException)
        {
            return null; // no hexadecimal digits; the caller says so
        }
    }
}
