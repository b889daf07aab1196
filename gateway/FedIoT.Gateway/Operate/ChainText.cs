using System.Globalization;
using FedIoT.Gateway.Admin;

namespace FedIoT.Gateway.Operate;

/// <summary>Answers about the chain as text for people: at most 80 columns.</summary>
internal static class ChainText
{
    public static string Show(ChainStatusAnswer status) => TextTable.Pairs(
        ("chain", status.ChainId),
        ("height", status.FirstHeight > 1
            ? $"{Text(status.Height)}, blocks from {Text(status.FirstHeight)} on" : Text(status.Height)),
        ("time", TextTable.Time(status.BlockTime)),
        ("block", status.BlockHash),
        ("state root", status.StateRoot),
        ("genesis", status.GenesisHash),
        ("account", status.Account),
        ("peers", $"{status.PeersConnected} connected, {status.Validators} validators in all"),
        ("waiting", $"{status.TransactionsWaiting} transactions"),
        ("finality", string.Create(
            CultureInfo.InvariantCulture, $"p50 {status.FinalityMsP50:0.0} ms, p99 {status.FinalityMsP99:0.0} ms")),
        ("traffic", $"{status.BytesSent >> 10} KiB sent, {status.BytesReceived >> 10} KiB received"))
        + (status.Problem is { } problem ? "\n\n" + string.Join('\n', TextTable.Wrap(problem, string.Empty))
            : string.Empty);

    public static string Show(BlocksAnswer answer) => TextTable.Format(
        ["HEIGHT", "TIME", "HASH", "PROPOSER", "TXS", "BYTES"],
        answer.Blocks.Select(b => (string[])
        [
            Text(b.Height), TextTable.Time(b.Time), TextTable.Short(b.Hash), TextTable.Short(b.Proposer),
            Text(b.Transactions), Text(b.Bytes),
        ])) + (answer.FirstHeight > 1
            ? $"\nThe blocks of this gateway begin at height {Text(answer.FirstHeight)}." : string.Empty);

    public static string Show(BlockAnswer block)
    {
        string head = TextTable.Pairs(
            ("height", Text(block.Height)),
            ("time", TextTable.Time(block.Time)),
            ("hash", block.Hash),
            ("previous", block.PreviousHash),
            ("state before", block.StateRoot),
            ("proposer", block.Proposer),
            ("commit", $"{block.CommitSignatures} signatures, round {block.CommitRound}"),
            ("bytes", Text(block.Bytes)));
        return block.Transactions.Count == 0 ? head : head + "\n\n" + TextTable.Format(
            ["TRANSACTION", "TYPE", "SIGNER", "NONCE", "BYTES", "RESULT"],
            block.Transactions.Select(t => (string[])
            [
                TextTable.Short(t.Hash), t.Type, TextTable.Short(t.Signer),
                t.Nonce.ToString(CultureInfo.InvariantCulture), Text(t.Bytes), t.Result,
            ]));
    }

    public static string Show(TransactionAnswer transaction) => TextTable.Pairs(
        ("hash", transaction.Hash),
        ("block", $"{transaction.Height}, position {transaction.Position}"),
        ("type", transaction.Type),
        ("signer", transaction.Signer),
        ("nonce", transaction.Nonce.ToString(CultureInfo.InvariantCulture)),
        ("bytes", Text(transaction.Bytes)),
        ("result", transaction.Result));

    public static string Show(ValidatorsAnswer answer) => TextTable.Format(
        ["ACCOUNT", "KEY", "POWER", "NEXT", "STAKE", "POINTS", "STRIKES", ""],
        answer.Validators.Select(v => (string[])
        [
            TextTable.Short(v.Account), v.Algorithm, Text(v.Power), Text(v.NextPower), Text(v.Stake), Text(v.Points),
            Text(v.Strikes),
            v.IsSelf ? "this gateway" : string.Empty,
        ]));

    public static string Show(PeersAnswer answer) => TextTable.Format(
        ["ACCOUNT", "HEIGHT", "KIB IN/OUT", "SINCE, OR WHY NOT", "ADDRESS"],
        answer.Peers.Select(p => (string[])
        [
            TextTable.Short(p.Account), p.Height is { } height ? Text(height) : "-",
            $"{Text(p.BytesReceived >> 10)}/{Text(p.BytesSent >> 10)}",
            p.ConnectedSince is { } since ? $"{p.Direction} {TextTable.Time(since)}"
                : p.BannedSeconds > 0 ? $"banned, {p.LastReason}" : p.LastReason ?? "-",
            p.Address,
        ]))
        + $"\n{answer.Connected} of {answer.Peers.Count} connected";

    public static string Show(EvidenceAnswer answer) => answer.Evidence.Count == 0
        ? "no faults recorded"
        : TextTable.Format(
            ["KIND", "ACCOUNT", "BLOCK", "ROUND", "SLASHED", "WHAT"],
            answer.Evidence.Select(e => (string[])
            [
                e.Kind, TextTable.Short(e.Account), Text(e.Height), Text(e.Round), Text(e.Slashed),
                e.OffenceHeight is { } height
                    ? $"two {e.Messages} at height {height}"
                    : $"in task {TextTable.Short(e.Task)}",
            ]));

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
