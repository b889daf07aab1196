using System.Text;
using FedIoT.Consensus;
using FedIoT.Gateway.Keys;
using FedIoT.Gateway.Node;
using FedIoT.Ledger;
using FedIoT.Wire.Transactions;

namespace FedIoT.Gateway.Admin;

/// <summary>Answers about this gateway's node key, and the two orders about it: change it, end it.</summary>
/// <param name="source">The running gateway.</param>
internal sealed class KeyAnswers(AdminSource source)
{
    /// <summary>Where the node key stands.</summary>
    public NodeKeysAnswer Read()
    {
        GatewayNode node = source.Node;
        LedgerState state = node.State;
        Account? account = state.FindAccount(node.Account);
        string phase = PhaseOf(node, state, account);
        return new NodeKeysAnswer
        {
            Account = node.Account.ToString(),
            Key = account?.Key.Account.ToString(),
            Algorithm = account is null ? null : KeyReport.Name(account.Key),
            KeySince = account?.KeySince.Value ?? 0,
            Rotations = account?.Rotations ?? 0,
            SignsWith = node.Chain.Account.ToString(),
            NextKey = node.Signers.NextNode?.PublicKey.Account.ToString(),
            Height = state.Height.Value,
            Phase = phase,
            Advice = AdviceFor(phase, account),
        };
    }

    /// <summary>What an administrator should do about the node key; null for nothing.</summary>
    public static string? AdviceFor(string phase, Account? account) => phase switch
    {
        KeyPhases.Changed => $"the node key was changed, the new one holds since height {account!.KeySince}: write "
            + "the value of [keys] next_node into [keys] node, remove next_node, and destroy the old key",
        KeyPhases.Foreign => $"the account's present node key is {account!.Key.Account}, neither [keys] node nor "
            + "[keys] next_node: nothing can be signed; name that key in gateway.toml",
        KeyPhases.Revoked => $"the node key was revoked at height {account!.RevokedAt}: no gateway talks to "
            + "this one any more, and its chain stays where it is",
        KeyPhases.Unknown => "the chain does not know this node key (yet): the gateway of an "
            + "administrator admits it, with 'fediot chain admit' and this gateway's gateway.pub.toml",
        _ => null,
    };

    /// <summary>Puts next_node in the place of the node key. Asked again, it tells how far it is.</summary>
    /// <exception cref="AdminProblemException">It cannot be done; the message says why.</exception>
    public async Task<NodeKeysAnswer> RotateAsync(CancellationToken cancellation)
    {
        NodeKeysAnswer now = Read();
        if (now.Phase is KeyPhases.Waiting or KeyPhases.Changing or KeyPhases.Changed)
        {
            return now;
        }

        if (now.Phase != KeyPhases.Steady)
        {
            throw new AdminProblemException(409, now.Advice!);
        }

        GatewayNode node = source.Node;
        if (node.Signers.NextNode is not { } next)
        {
            throw new AdminProblemException(
                409, $"{source.Configuration.File} names no [keys] next_node; make a key with 'fediot keys create', "
                + "name it there, restart the gateway, and ask again");
        }

        if (node.State.FindKey(next.PublicKey.Account) is { } used)
        {
            throw new AdminProblemException(
                409, $"[keys] next_node is {next.PublicKey.Account}, which is or was a node key of account "
                + $"{used.Account}; a key is used once: make another one");
        }

        CheckQuorum(node);
        await SendAsync(() =>
        {
            node.Chain.PrepareKey(next.PublicKey.Account); // a key that could not vote would silence the gateway
            return node.Sender.RotateAsync(next, cancellation);
        }).ConfigureAwait(false);
        return Read();
    }

    /// <summary>Ends the node key.</summary>
    /// <param name="body">The account in hexadecimal digits, so that nobody ends another one than meant.</param>
    /// <param name="cancellation">Gives up waiting for the key.</param>
    /// <exception cref="AdminProblemException">It cannot be done; the message says why.</exception>
    public async Task<NodeKeysAnswer> RevokeAsync(byte[] body, CancellationToken cancellation)
    {
        NodeKeysAnswer now = Read();
        if (Encoding.UTF8.GetString(body) != now.Account)
        {
            throw new AdminProblemException(409, $"the body must be this gateway's account, {now.Account}");
        }

        if (now.Phase is KeyPhases.Waiting or KeyPhases.Revoked)
        {
            return now;
        }

        if (now.Phase is KeyPhases.Unknown or KeyPhases.Foreign)
        {
            throw new AdminProblemException(409, now.Advice!);
        }

        LedgerState state = source.Node.State;
        if (state.Accounts.Values.Count(a => a.Power > 0) == 1 && state.FindAccount(source.Node.Account)!.Power > 0)
        {
            throw new AdminProblemException(409, "this gateway is the only validator: nobody would decide blocks");
        }

        CheckQuorum(source.Node);
        await SendAsync(() => source.Node.Sender.SendAsync(new RevokeNodeKey(), cancellation)).ConfigureAwait(false);
        return Read();
    }

    private static string PhaseOf(GatewayNode node, LedgerState state, Account? account)
    {
        if (account is null)
        {
            return KeyPhases.Unknown;
        }

        if (account.IsRevoked)
        {
            return KeyPhases.Revoked;
        }

        if (account.Key.Equals(node.Signers.NextNode?.PublicKey))
        {
            return node.Chain.Account == account.Key.Account && state.Height.Next >= account.KeySince
                ? KeyPhases.Changed
                : KeyPhases.Changing;
        }

        return !account.Key.Equals(node.Signers.Node.PublicKey) ? KeyPhases.Foreign
            : node.Sender.IsKeyChanging ? KeyPhases.Waiting
            : KeyPhases.Steady;
    }

    // Without more than two thirds of the power in reach no block takes the transaction, and the node would wait with
    // both keys; better to be told now.
    private static void CheckQuorum(GatewayNode node)
    {
        ValidatorSet validators = node.Chain.Validators;
        long reached = validators.Members
            .Where(v => v.Account == node.Chain.Account || node.Chain.IsConnected(v.Account)).Sum(v => v.Power);
        if (!validators.IsQuorum(reached))
        {
            throw new AdminProblemException(
                409, $"validators with {reached} of {validators.TotalPower} voting power are connected: no block would "
                + "take it now; see: fediot chain peers");
        }
    }

    private static async Task SendAsync(Func<Task<string?>> send)
    {
        try
        {
            if (await send().ConfigureAwait(false) is { } reason)
            {
                throw new AdminProblemException(409, $"the node refused the transaction: {reason}");
            }
        }
        catch (SignerException e)
        {
            throw new AdminProblemException(409, $"nothing was changed: {e.Message}");
        }
    }
}
