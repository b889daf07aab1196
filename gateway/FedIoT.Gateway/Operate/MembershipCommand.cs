using System.CommandLine;
using System.Globalization;
using FedIoT.Gateway.Admin;
using FedIoT.Gateway.Cli;
using FedIoT.Gateway.Configuration;
using FedIoT.Gateway.Keys;
using FedIoT.Ledger;

namespace FedIoT.Gateway.Operate;

/// <summary>Verbs that change who belongs to the chain: <c>fediot chain admit</c> and <c>vote</c>.</summary>
internal static class MembershipCommand
{
    private static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>An administrator's gateway admits another one.</summary>
    public static Command Admit()
    {
        var file = new Argument<string>("FILE") { Description = "The new gateway's gateway.pub.toml" };
        var verb = new AdminVerb(HelpText.Verb(
            "admit", "Admits a gateway to the chain, so that it may follow it; signed by an administrator's gateway",
            "fediot chain admit /media/usb/gateway.pub.toml", file));
        verb.Command.SetAction((parsed, cancellation) =>
        {
            PublicPart part = PublicPart.Read(parsed.GetRequiredValue(file));
            string key = Convert.ToHexStringLower(part.Key.Bytes);
            return OrderAsync(
                verb, parsed, $"v1/gateways/{key}?algorithm={KeyReport.Name(part.Key)}",
                $"{part.Key.Account} may follow the chain now; name a peer in its gateway.toml and start it",
                cancellation);
        });
        return verb.Command;
    }

    /// <summary>A validator's gateway votes on the power of an account.</summary>
    public static Command Vote()
    {
        var account = new Argument<string>("ACCOUNT")
        {
            Description = "64 hexadecimal digits; see its gateway.pub.toml",
        };

        var power = new Argument<long>("POWER") { Description = "The voting power it should have; 0 takes it out" };
        var verb = new AdminVerb(HelpText.Verb(
            "vote", "Votes on an account's voting power; more than two thirds of the power decide",
            "fediot chain vote 3b1f...c2 1", account, power));
        verb.Command.SetAction((parsed, cancellation) =>
        {
            string candidate = Uri.EscapeDataString(parsed.GetRequiredValue(account));
            string path = string.Create(
                CultureInfo.InvariantCulture, $"v1/votes/{candidate}?power={parsed.GetValue(power)}");
            return OrderAsync(
                verb, parsed, path, "the vote counts; 'fediot chain validators' shows when enough have voted",
                cancellation);
        });
        return verb.Command;
    }

    private static async Task<int> OrderAsync(
        AdminVerb verb, ParseResult parsed, string path, string done, CancellationToken cancellation)
    {
        using AdminClient client = verb.Connect(parsed);
        byte[] answer = await client.PostAsync(path, [], cancellation).ConfigureAwait(false);
        SubmittedAnswer submitted = AdminClient.Read(answer, AdminJson.Default.SubmittedAnswer);
        string result = await WaitAsync(client, submitted.Hash, TimeProvider.System, cancellation)
            .ConfigureAwait(false);
        if (result != "applied")
        {
            throw new RunFailedException(
                $"the chain refused it: {result}{Explain(result)}; see: fediot chain tx {submitted.Hash}");
        }

        await verb.PrintAsync(parsed, answer, () => done).ConfigureAwait(false);
        return ExitCode.Success;
    }

    private static string Explain(string result) => result switch
    {
        nameof(RejectionReason.NotCandidate) =>
            ", no gateway of this chain has the account; admit it first: fediot chain admit ITS-gateway.pub.toml",
        nameof(RejectionReason.PowerUnchanged) => ", it has this power already",
        nameof(RejectionReason.PowerOutOfRange) =>
            ", no set of validators could have this power in it; the last one cannot be voted out",
        _ => string.Empty,
    };

    private static async Task<string> WaitAsync(
        AdminClient client, string hash, TimeProvider time, CancellationToken cancellation)
    {
        long start = time.GetTimestamp();
        while (time.GetElapsedTime(start) <= WaitMax)
        {
            try
            {
                byte[] found = await client.GetAsync($"v1/chain/transactions/{hash}", cancellation)
                    .ConfigureAwait(false);
                return AdminClient.Read(found, AdminJson.Default.TransactionAnswer).Result;
            }
            catch (RunFailedException)
            {
                await Task.Delay(PollInterval, time, cancellation).ConfigureAwait(false); // in no block yet
            }
        }

        throw new RunFailedException(
            $"transaction {hash} was handed to the chain, and no block has it after {WaitMax.TotalSeconds} s; "
            + "see: fediot status");
    }
}
