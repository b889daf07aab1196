using FedIoT.Consensus;
using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Gateway.Chain.Peering;

/// <summary>
/// Who may connect, at this moment: the validators of the height that is being decided and of the next one, so that
/// whoever joins is connected before its first vote; and those that the application lets follow. Thread-safe: reads
/// immutable snapshots.
/// </summary>
internal sealed class PeerMembers(BlockExecutor executor, IApplication application)
{
    /// <summary>The validators of the height that is being decided, and of the next one.</summary>
    public ValidatorPair Validators => executor.Validators;

    /// <summary>What an account is.</summary>
    public PeerStanding StandingOf(AccountId account) => StandingOf(account, out _);

    /// <summary>What an account is, and its node key where the chain knows it.</summary>
    public PeerStanding StandingOf(AccountId account, out VerifyingKey? key)
    {
        ValidatorPair validators = executor.Validators;
        foreach (ValidatorSet set in (ReadOnlySpan<ValidatorSet>)[validators.Current, validators.Next])
        {
            int index = set.IndexOf(account);
            if (index >= 0)
            {
                key = set[index].Key;
                return PeerStanding.Validator;
            }
        }

        return application.FindFollower(account, out key) switch
        {
            FollowerStatus.Admitted => PeerStanding.Follower,
            FollowerStatus.Refused => PeerStanding.Refused,
            _ => PeerStanding.Unknown,
        };
    }
}
