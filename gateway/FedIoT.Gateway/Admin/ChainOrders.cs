using FedIoT.Ledger;
using FedIoT.Wire;
using FedIoT.Wire.Cose;
using FedIoT.Wire.Transactions;

namespace FedIoT.Gateway.Admin;

/// <summary>What this gateway's node key is asked to sign for the chain's membership.</summary>
/// <param name="source">The running gateway.</param>
internal sealed class ChainOrders(AdminSource source)
{
    /// <summary>Admits a gateway; this one must be an administrator.</summary>
    /// <param name="algorithm">ed25519 or p256.</param>
    /// <param name="key">Its node key in hexadecimal digits.</param>
    /// <param name="cancellation">Gives up waiting for the own key.</param>
    public Task<SubmittedAnswer> AdmitAsync(string algorithm, string key, CancellationToken cancellation)
    {
        SignatureAlgorithm? known = algorithm switch
        {
            "ed25519" => SignatureAlgorithm.EdDsa,
            "p256" => SignatureAlgorithm.Es256,
            _ => null,
        };
        if (known is null || !TryParse(key, out byte[] bytes)
            || !VerifyingKey.TryImport(known.Value, bytes, out VerifyingKey? nodeKey))
        {
            throw new AdminProblemException(400, "algorithm is ed25519 or p256, and the key a public key of that kind");
        }

        Account? account = source.Node.State.FindHolder(nodeKey!.Account);
        if (account?.Has(AccountRoles.Gateway) == true)
        {
            throw new AdminProblemException(409, $"{nodeKey.Account} is a gateway of this chain already");
        }

        Require(
            AccountRoles.Administrator, "is no administrator", "admit the gateway through a gateway that is one");
        return SubmitAsync(new RegisterGateway(nodeKey), nodeKey.Account, cancellation);
    }

    /// <summary>Votes on an account's voting power; this gateway must be a validator.</summary>
    /// <param name="candidate">Whose power: 64 hexadecimal digits.</param>
    /// <param name="power">The power it should have.</param>
    /// <param name="cancellation">Gives up waiting for the own key.</param>
    public Task<SubmittedAnswer> VoteAsync(string candidate, long? power, CancellationToken cancellation)
    {
        if (!Hash256.TryParse(candidate, out Hash256 account) || power is null)
        {
            throw new AdminProblemException(400, power is null
                ? "'power' is missing: expected a whole number from 0 on"
                : $"'{candidate}' is no account: expected 64 hexadecimal digits, as in its gateway.pub.toml");
        }

        Require(AccountRoles.Validator, "is no validator", "only validators vote on who is one");
        return SubmitAsync(new VotePower(new AccountId(account), power.Value), new AccountId(account), cancellation);
    }

    private void Require(AccountRoles role, string problem, string next)
    {
        LedgerState state = source.Node.State;
        AccountId self = source.Node.Chain.Account;
        if (state.FindHolder(self)?.Has(role) != true)
        {
            throw new AdminProblemException(
                403, $"this gateway's account {self} {problem} of chain {state.Genesis.ChainId}; {next}");
        }
    }

    private async Task<SubmittedAnswer> SubmitAsync(
        TransactionBody body, AccountId account, CancellationToken cancellation)
    {
        (string? reason, Hash256 hash) = await source.Node.Sender.SubmitAsync(body, cancellation)
            .ConfigureAwait(false);
        return reason is null
            ? new SubmittedAnswer(hash.ToString(), account.ToString())
            : throw new AdminProblemException(409, $"the node refused it: {reason}");
    }

    private static bool TryParse(string digits, out byte[] bytes)
    {
        try
        {
            bytes = Convert.FromHexString(digits);
            return true;
        }
        catch (FormatException)
        {
            bytes = [];
            return false; // no hexadecimal digits
        }
    }
}
