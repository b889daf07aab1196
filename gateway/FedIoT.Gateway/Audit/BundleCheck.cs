using System.Globalization;
using System.Text;
using System.Text.Json;
using FedIoT.Ledger;
using FedIoT.Wire;
using FedIoT.Wire.Transactions;

namespace FedIoT.Gateway.Audit;

/// <summary>What checking a bundle gave. Without a finding, everything in it is proven.</summary>
/// <param name="Finding">The first thing that is wrong; null when nothing is.</param>
/// <param name="Genesis">The chain; null when the bundle has none.</param>
/// <param name="Bundle">The bundle; null when its bytes are none.</param>
/// <param name="Entries">State entries, read.</param>
/// <param name="Delta">The delta that was shown, for a claim of this kind.</param>
public sealed record BundleCheck(
    AuditFinding? Finding, Genesis? Genesis = null, Bundle? Bundle = null, IReadOnlyList<StateEntry>? Entries = null,
    SignedDelta? Delta = null)
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>True when everything in the bundle is proven.</summary>
    public bool IsValid => Finding is null;

    /// <summary>For people.</summary>
    /// <param name="pinned">True when the caller named the genesis hash.</param>
    /// <param name="elapsed">Time the check took.</param>
    public string ToText(bool pinned, TimeSpan elapsed)
    {
        if (Finding is not null || Bundle is null || Genesis is null)
        {
            return $"WRONG: {Finding?.What}: expected {Finding?.Expected}, found {Finding?.Found}";
        }

        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"chain       {Genesis.ChainId}\n");
        text.Append(CultureInfo.InvariantCulture, $"genesis     {Genesis.Hash} ")
            .Append(pinned ? "(as named)\n" : "(as the bundle says: compare it, or use --genesis-hash)\n");
        text.Append(CultureInfo.InvariantCulture, $"block       {Bundle.Header.Height} {Bundle.Commit.BlockHash}\n");
        foreach (string fact in Facts())
        {
            text.Append("proven      ").Append(fact).Append('\n');
        }

        return text.Append(CultureInfo.InvariantCulture, $"Everything holds ({elapsed.TotalMilliseconds:F1} ms).")
            .ToString();
    }

    /// <summary>One line of JSON; its fields are described in docs/spec/audit.md §2.</summary>
    /// <param name="pinned">True when the caller named the genesis hash.</param>
    /// <param name="elapsed">Time the check took.</param>
    public string ToJson(bool pinned, TimeSpan elapsed) => JsonSerializer.Serialize(
        new
        {
            Schema = "fediot.bundle-check/1",
            Valid = IsValid,
            ChainId = Genesis?.ChainId,
            GenesisHash = Genesis?.Hash.ToString(),
            GenesisPinned = pinned,
            Height = Bundle?.Header.Height.Value,
            BlockHash = Bundle?.Commit.BlockHash.ToString(),
            Proven = IsValid ? Facts() : [],
            ElapsedMilliseconds = elapsed.TotalMilliseconds,
            Finding = Finding is null ? null : new { Finding.What, Finding.Expected, Finding.Found },
        },
        Options);

    private List<string> Facts()
    {
        var facts = new List<string>();
        long height = Bundle?.Header.Height.Value ?? 0;
        foreach (StateEntry entry in Entries ?? [])
        {
            facts.Add(string.Create(CultureInfo.InvariantCulture, $"after block {height - 1}: {Words(entry)}"));
        }

        if (Delta is not null)
        {
            facts.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"in block {height}: signed delta {Delta.Hash} of device {Delta.Device}, task {Delta.Task}, "
                + $"round {Delta.Round}, {Delta.Values.Length} parameters, trained from model {Delta.BaseModel}"));
        }

        return facts;
    }

    private static string Words(StateEntry entry) => entry switch
    {
        StateEntry.OfAccount { Account: var a } => string.Create(
            CultureInfo.InvariantCulture,
            $"account {a.Id} has {a.Points} points, {a.Strikes} strikes, {a.DeviceCount} devices, nonce {a.Nonce}, "
            + $"power {a.Power}, roles {a.Roles}"),
        StateEntry.OfNodeKey { Record: var k } => string.Create(
            CultureInfo.InvariantCulture,
            $"key {k.Key.Account} is a node key of account {k.Account}, in force from height {k.From}"
            + $"{(k.IsInForce ? string.Empty : $" to {k.Until}")}"),
        StateEntry.OfDevice { Device: var d } => string.Create(
            CultureInfo.InvariantCulture,
            $"device {d.Id} of gateway {d.Gateway} has {d.Points} points, reputation {d.ReputationQ15}/32768"),
        StateEntry.OfVersion { Task: var task, Version: var v } => string.Create(
            CultureInfo.InvariantCulture,
            $"model version {v.Version} of task {task} is {v.Hash}, made at height {v.Height} in round {v.Round} from "
            + $"{v.DeltaCount} deltas"),
        StateEntry.OfTask { Id: var id, Specification: var s } => $"task {id} is '{s.Name}'",
        _ => entry.Key.ToString(),
    };
}
