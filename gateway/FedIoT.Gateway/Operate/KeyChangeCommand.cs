using System.CommandLine;
using System.Text;
using FedIoT.Gateway.Admin;
using FedIoT.Gateway.Cli;

namespace FedIoT.Gateway.Operate;

/// <summary><c>fediot keys rotate|revoke</c>: ask the running gateway and watch until it is done.</summary>
internal static class KeyChangeCommand
{
    private static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(2);

    /// <summary><c>fediot keys rotate</c>.</summary>
    public static Command Rotate()
    {
        var verb = new AdminVerb(new Command(
            "rotate",
            """
            Changes the node key to the one of [keys] next_node.
            On the chain: both keys sign; account, devices and stake stay. Watches until the gateway signs with
            the new key. Interrupted, run it again: it goes on where the chain stands and changes nothing twice.

            Example:
              fediot keys rotate --config gateway.toml
            """));
        verb.Command.SetAction(async (parsed, cancellation) =>
        {
            using AdminClient client = verb.Connect(parsed);
            byte[] answer = await client.PostAsync("v1/keys/rotate", [], cancellation).ConfigureAwait(false);
            answer = await WatchAsync(client, answer, KeyPhases.Changed, TimeProvider.System, cancellation)
                .ConfigureAwait(false);
            await verb.PrintAsync(parsed, answer, () => Show(Read(answer))).ConfigureAwait(false);
            return ExitCode.Success;
        });
        return verb.Command;
    }

    /// <summary><c>fediot keys revoke</c>.</summary>
    public static Command Revoke()
    {
        var yes = new Option<bool>("--yes")
        {
            Description = "Do it; without this the losses are listed and nothing is done",
        };
        var verb = new AdminVerb(new Command(
            "revoke",
            """
            Ends the node key on the chain, and with it the account.
            For a key that somebody else may have. Cannot be taken back.

            Example:
              fediot keys revoke --yes
            """)
        {
            yes,
        });
        verb.Command.SetAction(async (parsed, cancellation) =>
        {
            using AdminClient client = verb.Connect(parsed);
            byte[] answer = await client.GetAsync("v1/keys", cancellation).ConfigureAwait(false);
            NodeKeysAnswer now = Read(answer);
            if (!parsed.GetValue(yes) && now.Phase != KeyPhases.Revoked)
            {
                throw new InputException(Losses(now));
            }

            answer = await client.PostAsync("v1/keys/revoke", Encoding.UTF8.GetBytes(now.Account), cancellation)
                .ConfigureAwait(false);
            answer = await WatchAsync(client, answer, KeyPhases.Revoked, TimeProvider.System, cancellation)
                .ConfigureAwait(false);
            await verb.PrintAsync(parsed, answer, () => Show(Read(answer))).ConfigureAwait(false);
            return ExitCode.Success;
        });
        return verb.Command;
    }

    /// <summary>The text for people.</summary>
    public static string Show(NodeKeysAnswer keys)
    {
        string text = TextTable.Pairs(
            ("account", keys.Account),
            ("phase", keys.Phase),
            ("node key", keys.Key ?? "none"),
            ("signs with", keys.SignsWith),
            ("next key", keys.NextKey ?? "none"));
        return keys.Advice is { } advice
            ? $"{text}\n\n{string.Join('\n', TextTable.Wrap(advice, string.Empty))}"
            : text;
    }

    private static string Losses(NodeKeysAnswer now) =>
        $"this would end account {now.Account} for ever: it votes and signs nothing any more, its devices cannot be "
        + "claimed by another account, its points and its stake stay where they are, and no other key can take its "
        + "place. To go on with another key, use 'fediot keys rotate' instead. To do it: fediot keys revoke --yes";

    private static NodeKeysAnswer Read(byte[] answer) =>
        AdminClient.Read(answer, AdminJson.Default.NodeKeysAnswer);

    private static async Task<byte[]> WatchAsync(
        AdminClient client, byte[] answer, string goal, TimeProvider time, CancellationToken cancellation)
    {
        long start = time.GetTimestamp();
        TimeSpan told = TimeSpan.Zero;
        while (true)
        {
            NodeKeysAnswer keys = Read(answer);
            TimeSpan elapsed = time.GetElapsedTime(start);
            if (keys.Phase == goal)
            {
                return answer;
            }

            if (keys.Phase is KeyPhases.Steady)
            {
                throw new RunFailedException(
                    "a block took the transaction and refused it; nothing was changed. See: fediot chain blocks");
            }

            if (elapsed > WaitMax)
            {
                throw new RunFailedException(
                    $"after {WaitMax.TotalSeconds} s the change is still {keys.Phase} at height {keys.Height}; it goes "
                    + "on in the gateway, and the same command watches it again. See: fediot status");
            }

            if (elapsed - told >= ProgressInterval)
            {
                told = elapsed;
                await Console.Error.WriteLineAsync($"{keys.Phase}, height {keys.Height}").ConfigureAwait(false);
            }

            await Task.Delay(PollInterval, time, cancellation).ConfigureAwait(false);
            answer = await client.GetAsync("v1/keys", cancellation).ConfigureAwait(false);
        }
    }
}
