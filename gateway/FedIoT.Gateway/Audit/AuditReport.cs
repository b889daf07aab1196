using System.Globalization;
using System.Text;
using System.Text.Json;
using FedIoT.Wire;

namespace FedIoT.Gateway.Audit;

/// <summary>What an audit of a chain database found.</summary>
public sealed record AuditReport
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Name of the chain.</summary>
    public required string ChainId { get; init; }

    /// <summary>What was trusted: everything follows from the genesis with this hash.</summary>
    public required Hash256 GenesisHash { get; init; }

    /// <summary>True when the caller named the genesis hash; false when the file was believed.</summary>
    public required bool GenesisPinned { get; init; }

    /// <summary>Last block that was verified.</summary>
    public required Height Height { get; init; }

    /// <summary>Its hash.</summary>
    public required Hash256 BlockHash { get; init; }

    /// <summary>State root after it, computed here. The next header would vouch for it; there is none.</summary>
    public required Hash256 StateRoot { get; init; }

    /// <summary>Transactions executed.</summary>
    public required long Transactions { get; init; }

    /// <summary>Those of them that execution refused.</summary>
    public required long Refused { get; init; }

    /// <summary>Bytes of blocks and commits read.</summary>
    public required long Bytes { get; init; }

    /// <summary>Snapshots of the state directory that were compared with the replayed state.</summary>
    public required int Snapshots { get; init; }

    /// <summary>Time it took.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>The first thing that is wrong; null when nothing is.</summary>
    public required AuditFinding? Finding { get; init; }

    /// <summary>Blocks a second.</summary>
    public double BlocksPerSecond => Rate(Height.Value);

    /// <summary>Transactions a second.</summary>
    public double TransactionsPerSecond => Rate(Transactions);

    /// <summary>Megabytes (10^6) a second.</summary>
    public double MegabytesPerSecond => Rate(Bytes) / 1e6;

    /// <summary>For people.</summary>
    public string ToText()
    {
        var text = new StringBuilder();
        Line(text, "chain", ChainId);
        Line(text, "genesis", $"{GenesisHash} ({(GenesisPinned ? "as named" : "trusted because it lies there")})");
        Line(text, "verified", $"blocks 1 to {Height}, {Transactions} transactions ({Refused} refused by execution)");
        Line(text, "last block", BlockHash.ToString());
        Line(text, "state root", $"{StateRoot} (computed here; the next block would vouch for it)");
        if (Snapshots > 0)
        {
            Line(text, "snapshots", $"{Snapshots} equal the state at their heights");
        }

        Line(text, "speed", string.Create(
            CultureInfo.InvariantCulture,
            $"{Elapsed.TotalSeconds:F2} s: {BlocksPerSecond:F0} blocks/s, {TransactionsPerSecond:F0} tx/s, "
            + $"{MegabytesPerSecond:F1} MB/s"));
        text.Append(Finding is null ? "Everything holds." : $"WRONG at {Finding}");
        return text.ToString();
    }

    /// <summary>One line of JSON; its fields are described in docs/spec/audit.md §2.</summary>
    public string ToJson() => JsonSerializer.Serialize(
        new
        {
            Schema = "fediot.audit/1",
            Valid = Finding is null,
            ChainId,
            GenesisHash = GenesisHash.ToString(),
            GenesisPinned,
            Height = Height.Value,
            BlockHash = BlockHash.ToString(),
            StateRoot = StateRoot.ToString(),
            StateRootSigned = false,
            Transactions,
            Refused,
            Bytes,
            Snapshots,
            ElapsedSeconds = Elapsed.TotalSeconds,
            BlocksPerSecond,
            TransactionsPerSecond,
            MegabytesPerSecond,
            Finding = Finding is null ? null : new
            {
                Height = Finding.Height.Value,
                Finding.What,
                Finding.Expected,
                Finding.Found,
            },
        },
        Options);

    private static void Line(StringBuilder text, string name, string value) =>
        text.Append(name.PadRight(12)).Append(value).Append('\n');

    private double Rate(long amount) => Elapsed > TimeSpan.Zero ? amount / Elapsed.TotalSeconds : 0;
}
