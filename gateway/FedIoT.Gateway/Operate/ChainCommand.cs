using System.CommandLine;
using System.Globalization;
using FedIoT.Gateway.Admin;
using FedIoT.Gateway.Audit;
using FedIoT.Gateway.Cli;

namespace FedIoT.Gateway.Operate;

/// <summary>The verbs <c>fediot chain ...</c>.</summary>
internal static class ChainCommand
{
    public static Command Create() => new("chain", "The chain as this gateway sees it")
    {
        GenesisCommand.Create(), Status(), Blocks(), Block(), Transaction(), Validators(), Peers(), Evidence(),
        MembershipCommand.Admit(), MembershipCommand.Vote(), ProofCommand.Create(),
    };

    private static Command Status() => AdminVerb.Ask(
        HelpText.Verb("status", "Height, hashes, peers and finality", "fediot chain status"), _ => "v1/chain/status",
        AdminJson.Default.ChainStatusAnswer, ChainText.Show);

    private static Command Blocks()
    {
        var from = new Option<long?>("--from") { Description = "Highest block of the list", HelpName = "HEIGHT" };
        var count = new Option<int>("--count")
        {
            Description = $"How many, up to {ChainAnswers.BlocksMax}",
            HelpName = "N",
            DefaultValueFactory = _ => 20,
        };
        return AdminVerb.Ask(
            HelpText.Verb("blocks", "Newest blocks first", "fediot chain blocks --count 5", from, count),
            parsed => string.Create(CultureInfo.InvariantCulture, $"v1/chain/blocks?count={parsed.GetValue(count)}")
                + (parsed.GetValue(from) is { } height
                    ? string.Create(CultureInfo.InvariantCulture, $"&from={height}") : string.Empty),
            AdminJson.Default.BlocksAnswer, ChainText.Show);
    }

    private static Command Block()
    {
        var height = new Argument<long>("HEIGHT") { Description = "Number of the block, from 1" };
        return AdminVerb.Ask(
            HelpText.Verb("block", "One block with its transactions", "fediot chain block 42 --json", height),
            parsed => string.Create(CultureInfo.InvariantCulture, $"v1/chain/blocks/{parsed.GetValue(height)}"),
            AdminJson.Default.BlockAnswer, ChainText.Show);
    }

    private static Command Transaction()
    {
        var hash = new Argument<string>("HASH") { Description = "64 hexadecimal digits, or the first ones" };
        return AdminVerb.Ask(
            HelpText.Verb("tx", "One transaction and what became of it", "fediot chain tx 5f0c...91aa", hash),
            parsed => $"v1/chain/transactions/{Uri.EscapeDataString(parsed.GetRequiredValue(hash))}",
            AdminJson.Default.TransactionAnswer, ChainText.Show);
    }

    private static Command Validators() => AdminVerb.Ask(
        HelpText.Verb("validators", "Who votes", "fediot chain validators"), _ => "v1/chain/validators",
        AdminJson.Default.ValidatorsAnswer, ChainText.Show);

    private static Command Peers() => AdminVerb.Ask(
        HelpText.Verb("peers", "The other gateways", "fediot chain peers --json"), _ => "v1/chain/peers",
        AdminJson.Default.PeersAnswer, ChainText.Show);

    private static Command Evidence() => AdminVerb.Ask(
        HelpText.Verb("evidence", "Provable faults that the chain recorded", "fediot chain evidence"),
        _ => "v1/chain/evidence", AdminJson.Default.EvidenceAnswer, ChainText.Show);
}
