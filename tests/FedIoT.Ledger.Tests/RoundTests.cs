using FedIoT.Ledger.Events;
using FedIoT.Wire;
using FedIoT.Wire.Transactions;

namespace FedIoT.Ledger.Tests;

public sealed class RoundTests
{
    [Fact]
    public void Statistics_AllGatewaysSubmitted_FixesTheConstants()
    {
        var chain = new TestChain();
        chain.Register();
        chain.CreateTask();
        Assert.False(chain.State.WantsNextBlock);
        Assert.Equal(3, chain.State.WaitingFor(chain.Task).Count());
        chain.SubmitStatistics();
        Assert.Equal(TaskPhase.Pending, chain.Task.Phase);
        Assert.True(chain.State.WantsNextBlock);

        // 6 devices × 10 windows: feature i is i on three devices and i + 1 on three, plus 40 / 10 of square each:
        // mean i + 1/2, variance 1/4 + 4 = 4.25, deviation × 256 = floor(sqrt(4.25 × 65536)) = 527.
        Assert.Equal(Enumerable.Range(0, 12).Select(i => (256L * i) + 128), chain.Task.Standardisation!.MeanQ8);
        Assert.All(chain.Task.Standardisation.DeviationQ8, d => Assert.Equal(527, d));
        Assert.Contains(chain.Outcomes[^1].Events, e => e is StatisticsClosed { Count: 60 });
    }

    [Fact]
    public void Statistics_OneGatewaySilent_ClosesWhenThePhaseIsOver()
    {
        var chain = new TestChain(phaseBlocksMax: 4);
        chain.Register();
        chain.CreateTask();
        for (int i = 0; i < 10; i++)
        {
            chain.Run(); // nobody gave anything: the phase stays open however long
        }

        Assert.Equal(TaskPhase.Statistics, chain.Task.Phase);
        chain.RunAll(chain.Sign(chain.Gateways[0], chain.Statistics(0)));
        Assert.Equal(TaskPhase.Pending, chain.Task.Phase);
        Assert.NotNull(chain.Task.Standardisation);
    }

    [Fact]
    public void Standardisation_ConstantFeature_HasTheSmallestDeviation()
    {
        var totals = new StatisticsTotals(3, [-7, 0], [17, 0]); // 17 × 3 - 49 = 2 > 0; a feature that is always 0
        var constants = Standardisation.From(totals);
        Assert.Equal([-597, 0], constants.MeanQ8); // -7 × 256 / 3 = -597.33
        Assert.Equal([120, 1], constants.DeviationQ8); // sqrt(2 / 9) × 256 = 120.68
        Assert.Throws<ArgumentException>(() => Standardisation.From(StatisticsTotals.Empty(2)));
    }

    [Fact]
    public void Standardisation_LargestSums_DoNotOverflow()
    {
        long count = LedgerLimits.DevicesMax * DeviceStatistics.CountMax;
        var totals = new StatisticsTotals(count, [0, count * -32768], [(ulong)count << 30, (ulong)count << 30]);
        var constants = Standardisation.From(totals);
        Assert.Equal([0, -32768 * 256], constants.MeanQ8);
        Assert.Equal([32768 * 256, 1], constants.DeviationQ8);
    }

    [Fact]
    public void Round_EveryGatewayTakesPart_MakesTheNextModel()
    {
        TestChain chain = new TestChain().ToRoundOne();
        ModelState initial = chain.Task.Model;
        Assert.Contains(
            chain.Outcomes[^1].Events, e => e is RoundOpened { Round: 1, BaseVersion: 0, ExpectedCount: 3 });
        BlockOutcome outcome = chain.PlayRound((g, d) => chain.RandomValues((10 * g) + d));

        sbyte[][] deltas = [.. Enumerable.Range(0, 6).Select(i => chain.RandomValues((10 * (i / 2)) + (i % 2)))];
        int[] update = NaiveAggregation.Run(chain.Specification.Rule, deltas, 1);
        Assert.Equal(initial.Master.ToArray().Zip(update, (m, u) => m + u), chain.Task.Model.Master.ToArray());
        Assert.Equal(initial.Hash, chain.Task.PreviousModel!.Hash);
        Assert.Equal([0, 1], chain.Task.Versions.Select(v => v.Version));
        var closed = Assert.Single(outcome.Events.OfType<RoundClosed>());
        Assert.Equal((1, 1, 6, 1), (closed.Round, closed.Version, closed.DeltaCount, closed.ByzantineCount));
        Assert.Equal(chain.Task.Model.Hash, closed.ModelHash);
        Assert.Equal(closed.Scores.Select(s => s.Device).Order(), closed.Scores.Select(s => s.Device));
        Assert.Equal(TaskPhase.Pending, chain.Task.Phase);
        chain.Run();
        Assert.Equal((TaskPhase.Commit, 2), (chain.Task.Phase, chain.Task.Round));
    }

    [Fact]
    public void Round_TheLastOne_CompletesTheTask()
    {
        TestChain chain = new TestChain().ToRoundOne();
        for (int round = 1; round <= 3; round++)
        {
            chain.PlayRound((g, d) => chain.RandomValues((100 * round) + (10 * g) + d));
            chain.Run();
        }

        Assert.Equal((TaskPhase.Complete, 3), (chain.Task.Phase, chain.Task.Round));
        Assert.Equal(3, chain.Task.Model.Version);
        Assert.False(chain.State.WantsNextBlock);
        Assert.Contains(chain.Outcomes.SelectMany(o => o.Events), e => e is TaskCompleted { Version: 3 });
    }

    [Fact]
    public void Round_OrderOfArrival_DoesNotChangeTheModel()
    {
        var roots = new List<Hash256>();
        foreach (int[] order in (int[][])[[0, 1, 2], [2, 0, 1]])
        {
            TestChain chain = new TestChain().ToRoundOne();
            byte[][] deltas = [.. Enumerable.Range(0, 3).Select(g => chain.Delta(g, 0, chain.RandomValues(g)))];
            chain.RunAll([.. order.Select(g => chain.Sign(chain.Gateways[g], chain.Commitment(deltas[g])))]);
            chain.RunAll([.. order.Select(g => chain.Sign(chain.Gateways[g], chain.Reveal(deltas[g])))]);
            roots.Add(chain.State.StateRoot);
        }

        Assert.Equal(roots[0], roots[1]);
    }

    [Fact]
    public void Round_NobodyCommits_CountsAndKeepsTheModel()
    {
        TestChain chain = new TestChain(phaseBlocksMax: 2).ToRoundOne();
        Hash256 before = chain.Task.Model.Hash;
        BlockOutcome outcome = chain.Run();
        var closed = Assert.Single(outcome.Events.OfType<RoundClosed>());
        Assert.Equal((1, 0, 0, before), (closed.Round, closed.Version, closed.DeltaCount, closed.ModelHash));
        chain.Run();
        Assert.Equal((TaskPhase.Commit, 2), (chain.Task.Phase, chain.Task.Round));
        Assert.Empty(chain.State.Faults);
    }

    [Fact]
    public void Round_EverybodyAbstains_ClosesAtOnce()
    {
        TestChain chain = new TestChain().ToRoundOne();
        chain.RunAll([.. chain.Gateways.Select(g => chain.Sign(g, chain.Commitment()))]);
        Assert.Equal((TaskPhase.Pending, 1), (chain.Task.Phase, chain.Task.Round));
    }

    [Fact]
    public void Reveal_Missing_IsAFaultAndTheOthersCount()
    {
        TestChain chain = new TestChain(phaseBlocksMax: 3).ToRoundOne();
        byte[][] deltas = [.. Enumerable.Range(0, 3).Select(g => chain.Delta(g, 0, chain.RandomValues(g)))];
        CommitDeltas missing = chain.Commitment(deltas[2]);
        chain.RunAll(
            [.. Enumerable.Range(0, 3).Select(g => chain.Sign(chain.Gateways[g], chain.Commitment(deltas[g])))]);
        Assert.Equal(TaskPhase.Reveal, chain.Task.Phase);
        chain.RunAll(
            chain.Sign(chain.Gateways[0], chain.Reveal(deltas[0])),
            chain.Sign(chain.Gateways[1], chain.Reveal(deltas[1])));
        Assert.Equal([chain.Gateways[2].Id], chain.State.WaitingFor(chain.Task));
        chain.Run();
        chain.Run();
        Assert.Equal((TaskPhase.Pending, 1), (chain.Task.Phase, chain.Task.Model.Version));
        Assert.Equal(2, chain.Task.Versions[1].DeltaCount);
        Fault fault = Assert.Single(chain.State.Faults);
        Assert.Equal(
            new Fault(FaultKind.MissingReveal, chain.Gateways[2].Id, chain.TaskId, 1, chain.State.Height, missing.Root),
            fault);
        Assert.Equal(1, chain.State.Accounts[chain.Gateways[2].Id].Strikes);
    }

    [Fact]
    public void Reveal_MismatchTwiceThenRight_IsOneFaultAndCounts()
    {
        TestChain chain = new TestChain().ToRoundOne();
        byte[] delta = chain.Delta(0, 0, chain.RandomValues(1));
        byte[] wrong = chain.Delta(0, 0, chain.RandomValues(2));
        chain.RunAll([.. Enumerable.Range(0, 3).Select(g =>
            chain.Sign(chain.Gateways[g], g == 0 ? chain.Commitment(delta) : chain.Commitment()))]);
        BlockOutcome outcome = chain.Run(
            chain.Sign(chain.Gateways[0], chain.Reveal(wrong)), chain.Sign(chain.Gateways[0], chain.Reveal(wrong)),
            chain.Sign(chain.Gateways[0], chain.Reveal(delta)));
        Assert.Equal([RejectionReason.RevealMismatch, RejectionReason.RevealMismatch, null], outcome.Rejections);
        Assert.Equal([FaultKind.RevealMismatch], chain.State.Faults.Select(f => f.Kind));
        Assert.Equal(1, chain.Task.Versions[^1].DeltaCount);
    }

    [Fact]
    public void Reveal_AllZeroTwice_IsNoDuplicate()
    {
        TestChain chain = new TestChain().ToRoundOne();
        BlockOutcome outcome = chain.PlayRound((_, _) => new sbyte[chain.ParameterCount]);
        var closed = Assert.Single(outcome.Events.OfType<RoundClosed>());
        Assert.All(closed.Scores, s => Assert.Equal((0, 0L, 0L), (s.CosineQ15, s.Norm, s.Points)));
        Assert.Equal(1, chain.Task.Model.Version);
    }

    [Fact]
    public void Reveal_CopyOfAnotherGateway_IsAFault()
    {
        TestChain chain = new TestChain().ToRoundOne();
        byte[] first = chain.Delta(0, 0, chain.RandomValues(1));
        byte[] copy = chain.Delta(1, 0, chain.RandomValues(1));
        chain.RunAll(
            chain.Sign(chain.Gateways[0], chain.Commitment(first)),
            chain.Sign(chain.Gateways[1], chain.Commitment(copy)),
            chain.Sign(chain.Gateways[2], chain.Commitment()));
        BlockOutcome outcome = chain.Run(
            chain.Sign(chain.Gateways[0], chain.Reveal(first)), chain.Sign(chain.Gateways[1], chain.Reveal(copy)));
        Assert.Equal([null, RejectionReason.DeltaDuplicate], outcome.Rejections);
        Assert.Equal(FaultKind.DuplicateDelta, Assert.Single(chain.State.Faults).Kind);
    }

    [Fact]
    public void Scores_OneAgainstTheOthers_EarnsNothingAndLosesReputation()
    {
        TestChain chain = new TestChain(gateways: 5, devicesPerGateway: 1).ToRoundOne();
        sbyte[] common = chain.RandomValues(1, spread: 20);
        BlockOutcome outcome = chain.PlayRound((g, _) =>
            [.. common.Select((v, i) => (sbyte)(g == 4 ? -5 * v : v + (i == g ? 3 : i % 2)))]);
        var closed = Assert.Single(outcome.Events.OfType<RoundClosed>());
        DeltaScore attacker = closed.Scores[4];
        Assert.True(attacker.CosineQ15 < -30_000, $"cosine {attacker.CosineQ15}");
        Assert.Equal((0L, 14_336), (attacker.Points, attacker.ReputationQ15)); // 16384 × 7 / 8
        Assert.All(closed.Scores.Take(4), s => Assert.True(s is { CosineQ15: > 30_000, Points: > 240_000 }));
        Assert.InRange(closed.Scores.Sum(s => s.Points), 999_990, 1_000_000);
        Assert.Equal(
            closed.Scores.Sum(s => s.Points), chain.State.Accounts.Values.Sum(a => a.Points));
        Assert.Equal(closed.Scores.Sum(s => s.Points), chain.State.Devices.Values.Sum(d => d.Points));
        Assert.Empty(chain.State.Faults); // a bad delta is an opinion, not a fault
    }

    [Fact]
    public void Points_OneFarAboveTheMedian_IsClippedToTwiceIt()
    {
        Assert.Equal([250_000, 250_000, 500_000], Scoring.Points([1000, 1000, 30_000]));
        Assert.Equal([0, 0], Scoring.Points([-5, 0]));
        Assert.Equal([0, 0, 1_000_000], Scoring.Points([-5, -5, 7]));
        Assert.Empty(Scoring.Points([]));
    }

    [Fact]
    public void InitialModel_BoundsAndBiases_FollowTheSpecification()
    {
        int[] master = ModelState.InitialMaster(TestChain.MakeTask());
        int first = (int)Math.Floor(Math.Sqrt(6.0 * Math.Pow(2, 28) / 12));
        int second = (int)Math.Floor(Math.Sqrt(6.0 * Math.Pow(2, 28) / 4));
        Assert.Equal(67, master.Length);
        Assert.All(master[..48], w => Assert.InRange(w, -first, first));
        Assert.Contains(master[..48], w => Math.Abs(w) > first / 2);
        Assert.All(master[48..52], w => Assert.Equal(0, w));
        Assert.All(master[52..64], w => Assert.InRange(w, -second, second));
        Assert.All(master[64..], w => Assert.Equal(0, w));
    }
}
