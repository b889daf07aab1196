using FedIoT.Ledger.Events;
using FedIoT.Wire;
using FedIoT.Wire.Cose;
using FedIoT.Wire.Transactions;

namespace FedIoT.Ledger.Tests;

/// <summary>The validators decide who is one.</summary>
public sealed class ValidatorTests
{
    private readonly TestKey[] validators = [.. Enumerable.Range(0, 4).Select(i => new TestKey(10 + i))];
    private readonly TestKey admin = new(1);
    private readonly TestKey candidate = new(50);
    private readonly TestKey stranger = new(60);
    private LedgerState state;
    private BlockOutcome last = new([], [], 0);

    public ValidatorTests() => state = LedgerState.FromGenesis(new Genesis(
        TestChain.ChainId, validators.Select(v => new GenesisValidator(v.Public, 10)), [candidate.Public],
        [admin.Public]));

    private Account Candidate => state.Accounts[candidate.Id];

    [Fact]
    public void Vote_OfMoreThanTwoThirds_MakesAGatewayAValidatorWithStake()
    {
        Assert.Equal([null, null], Run((0, 10), (1, 10)));
        Assert.Equal((0L, 0L), (Candidate.Power, Candidate.Stake)); // half of the power
        Assert.Equal([null], Run((2, 7))); // wants another number
        Assert.Equal(0, Candidate.Power);
        Assert.Equal([null], Run((2, 10)));
        Assert.Equal((10L, 10L * LedgerLimits.GenesisStakePerPower), (Candidate.Power, Candidate.Stake));
        Assert.Equal(AccountRoles.Gateway | AccountRoles.Validator, Candidate.Roles);
        var changed = Assert.Single(last.Events.OfType<ValidatorPowerChanged>());
        Assert.Equal((candidate.Public, 10L), (changed.Key, changed.Power));
        Assert.Empty(state.Ballots[candidate.Id].Votes);
        Assert.Equal([RejectionReason.PowerUnchanged], Run((3, 10)));
    }

    [Fact]
    public void Vote_ExactlyTwoThirds_IsNotEnough()
    {
        state = LedgerState.FromGenesis(new Genesis(
            TestChain.ChainId, validators.Take(3).Select(v => new GenesisValidator(v.Public, 10)), [candidate.Public],
            [admin.Public]));
        Assert.Equal([null, null], Run((0, 10), (1, 10)));
        Assert.Equal(0, Candidate.Power);
        Assert.Equal([null], Run((2, 10)));
        Assert.Equal(10, Candidate.Power);
    }

    [Fact]
    public void Vote_ToTakeAValidatorOut_LeavesItsStakeForWhatItSigned()
    {
        Assert.Equal([null, null, null], Run(validators[3].Id, (0, 0), (1, 0), (2, 0)));
        Account removed = state.Accounts[validators[3].Id];
        Assert.Equal((0L, 10_000L, AccountRoles.None), (removed.Power, removed.Stake, removed.Roles));
        Assert.Equal(0, Assert.Single(last.Events.OfType<ValidatorPowerChanged>()).Power);
        Assert.Equal([RejectionReason.NotValidator], Run((3, 10)));
    }

    [Fact]
    public void Vote_TakenBack_OfWhoLeft_OrOld_DoesNotCount()
    {
        Assert.Equal([null, null], Run((0, 10), (1, 10)));
        Assert.Equal([null], Run((1, 0))); // its present power: takes the vote back
        Assert.Single(state.Ballots[candidate.Id].Votes);
        Assert.Equal([null], Run((1, 10)));
        Assert.Equal([null, null, null], Run(validators[0].Id, (1, 0), (2, 0), (3, 0)));
        Assert.Equal([null], Run((2, 10))); // two of the three that are left
        Assert.Equal(0, Candidate.Power);
        Assert.DoesNotContain(validators[0].Id, state.Ballots[candidate.Id].Votes.Keys);
        Assert.Equal([null], Run((3, 10)));
        Assert.Equal(10, Candidate.Power);
    }

    [Fact]
    public void Vote_ThatNoSetCouldHold_OrOfNobody_IsRefused()
    {
        Assert.Equal([RejectionReason.PowerOutOfRange], Run((0, Genesis.PowerMax + 1)));
        Assert.Equal([RejectionReason.PowerOutOfRange], Run((0, LedgerLimits.ReducedPowerMax * 10L)));
        Assert.Equal([RejectionReason.PowerOutOfRange], Run((0, 65_537)));
        Assert.Equal([RejectionReason.NotCandidate], Run(stranger.Id, (0, 1)));
        Assert.Equal([RejectionReason.NotCandidate], Run(admin.Id, (0, 1)));
        Assert.Equal(
            RejectionReason.NotValidator,
            state.CheckTransaction(candidate.Sign(new VotePower(candidate.Id, 1), 1), new VerifiedSignatures()));
        state = LedgerState.FromGenesis(new Genesis(
            TestChain.ChainId, [new GenesisValidator(validators[0].Public, 5)], [], [admin.Public]));
        Assert.Equal([RejectionReason.PowerOutOfRange], Run(validators[0].Id, (0, 0))); // nobody would be left
        Assert.Equal([null], Run(validators[0].Id, (0, 6)));
        Assert.Equal(6, state.Accounts[validators[0].Id].Power);
    }

    [Fact]
    public void Votes_OfOneValidator_AreBounded()
    {
        TestKey[] gateways =
            [.. Enumerable.Range(0, LedgerLimits.VotesPerValidatorMax + 1).Select(i => new TestKey(70 + i))];
        state = LedgerState.FromGenesis(new Genesis(
            TestChain.ChainId, validators.Select(v => new GenesisValidator(v.Public, 10)),
            gateways.Select(g => g.Public), [admin.Public]));
        foreach (TestKey gateway in gateways.Take(LedgerLimits.VotesPerValidatorMax))
        {
            Assert.Equal([null], Run(gateway.Id, (0, 1)));
        }

        Assert.Equal([RejectionReason.TooManyVotes], Run(gateways[^1].Id, (0, 1)));
        Assert.Equal([null], Run(gateways[0].Id, (0, 2))); // another number for the same account
        Assert.Equal([null], Run(gateways[0].Id, (0, 0)));
        Assert.Equal([null], Run(gateways[^1].Id, (0, 1)));
    }

    [Fact]
    public void State_WithVotes_SurvivesASnapshotAndProvesThem()
    {
        Run((0, 10), (1, 12));
        Assert.True(LedgerState.TryDecodeSnapshot(state.EncodeSnapshot(), out LedgerState? again));
        Assert.Equal(state.StateRoot, again!.StateRoot);
        Assert.Equal(12, again.Ballots[candidate.Id].Votes[validators[1].Id].Power);
        StateProof proof = Assert.IsType<StateProof>(again.Prove(StateKey.Ballot(candidate.Id)));
        Assert.True(StateKey.TryParse(proof.Key.Bytes, out StateKey? key));
        Assert.Equal(StateKey.Ballot(candidate.Id), key);
    }

    private IReadOnlyList<RejectionReason?> Run(params (int Validator, long Power)[] votes) => Run(candidate.Id, votes);

    private IReadOnlyList<RejectionReason?> Run(AccountId account, params (int Validator, long Power)[] votes)
    {
        ReadOnlyMemory<byte>[] transactions =
        [
            .. votes.Select(v => new ReadOnlyMemory<byte>(validators[v.Validator].Sign(
                new VotePower(account, v.Power), state.Accounts[validators[v.Validator].Id].Nonce + 1))),
        ];
        (state, last) = state.Execute(state.Height.Next, validators[0].Id, transactions);
        return last.Rejections;
    }
}
