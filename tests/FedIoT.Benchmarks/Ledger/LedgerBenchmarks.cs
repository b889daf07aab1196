using System.Globalization;
using FedIoT.Ledger;
using FedIoT.Wire;
using FedIoT.Wire.Cose;
using FedIoT.Wire.Tasks;
using FedIoT.Wire.Transactions;
using NSec.Cryptography;

namespace FedIoT.Benchmarks.Ledger;

/// <summary>
/// Aggregation (see there), signature verification, and execution of blocks. Figures are medians; one thread, except
/// where execution verifies signatures on all cores.
/// </summary>
public static class LedgerBenchmarks
{
    /// <summary>Runs everything.</summary>
    /// <param name="quick">A few seconds instead of about half a minute.</param>
    public static (string Name, double Value, string Unit)[] Run(bool quick)
    {
        var results = new List<(string, double, string)>();
        results.AddRange(AggregationBenchmarks.Run(quick));
        results.Add(("Ed25519 verifications, one thread", Verifications(quick ? 2_000 : 20_000), "/s"));
        results.AddRange(Execution(quick ? 500 : 2_000));
        return [.. results];
    }

    private static double MedianSeconds(int rounds, Action work)
    {
        work();
        work();
        var seconds = new double[rounds];
        for (int i = 0; i < rounds; i++)
        {
            long start = TimeProvider.System.GetTimestamp();
            work();
            seconds[i] = TimeProvider.System.GetElapsedTime(start).TotalSeconds;
        }

        Array.Sort(seconds);
        return seconds[rounds / 2];
    }

    private static double Verifications(int count)
    {
        var signer = new Signer(3);
        var message = new byte[300];
        byte[] signature = signer.Sign(message);
        bool all = true;
        double seconds = MedianSeconds(3, () =>
        {
            for (int i = 0; i < count; i++)
            {
                all &= signer.Public.Verify(message, signature);
            }
        });
        return all ? count / seconds : throw new InvalidOperationException("A valid signature was refused.");
    }

    private static IEnumerable<(string Name, double Value, string Unit)> Execution(int count)
    {
        var admin = new Signer(1);
        Signer[] gateways = [.. Enumerable.Range(10, 4).Select(i => new Signer((byte)i))];
        LedgerState start = LedgerState.FromGenesis(new Genesis(
            "bench", [new GenesisValidator(admin.Public, 1)], gateways.Select(g => g.Public), [admin.Public]));
        ReadOnlyMemory<byte>[] transactions = [.. Enumerable.Range(0, count).Select(i => (ReadOnlyMemory<byte>)
            gateways[i % 4].Transaction(new RegisterDevice(new DeviceId($"device-{i}")), (ulong)(i / 4) + 1))];
        double cold = MedianSeconds(5, () => Execute(start, transactions, new VerifiedSignatures()));
        yield return ("transactions executed, nothing verified before, all cores", count / cold, "/s");
        var cache = new VerifiedSignatures();
        double check = MedianSeconds(1, () =>
        {
            cache = new VerifiedSignatures();
            foreach (ReadOnlyMemory<byte> transaction in transactions.AsSpan(0, Math.Min(count, 256 * 4)))
            {
                if (start.CheckTransaction(transaction, cache) is RejectionReason reason)
                {
                    throw new InvalidOperationException($"Refused: {reason}.");
                }
            }
        });
        yield return ("transactions admitted by the mempool check, one thread", Math.Min(count, 1024) / check, "/s");
        Execute(start, transactions, cache);
        double warm = MedianSeconds(5, () => Execute(start, transactions, cache));
        yield return ("transactions executed, verified before", count / warm, "/s");
        yield return RoundOfDeltas(start, admin, gateways);
    }

    /// <summary>A block with the reveals of 4 × 25 deltas of 10 kB: with aggregation, scores and model hash.</summary>
    private static (string Name, double Value, string Unit) RoundOfDeltas(
        LedgerState state, Signer admin, Signer[] gateways)
    {
        const int Devices = 25;
        Signer[] training = [.. Enumerable.Range(20, 4).Select(i => new Signer((byte)i))];
        TaskSpecification task = Specification();
        var nonces = new ulong[4];
        byte[] Sign(int g, TransactionBody body) => gateways[g].Transaction(body, ++nonces[g]);
        var setup = new List<byte[]>();
        for (int g = 0; g < 4; g++)
        {
            setup.Add(Sign(g, new RegisterTrainingKey(training[g].Public)));
            setup.AddRange(Enumerable.Range(0, Devices).Select(d => Sign(g, new RegisterDevice(Name(g, d)))));
        }

        setup.Add(admin.Transaction(new CreateTask(task.Encode()), 1));
        state = ExecuteAll(state, [.. setup], new VerifiedSignatures());
        Hash256 id = Hash256.Of(task.Encode());
        var ones = new long[12];
        state = ExecuteAll(state, [.. Enumerable.Range(0, 4).Select(g => Sign(g, new SubmitStatistics(
            id, [new DeviceStatistics(Name(g, 0), 1, ones, ones)])))], new VerifiedSignatures());
        state = ExecuteAll(state, [], new VerifiedSignatures());
        byte[][][] deltas = [.. Enumerable.Range(0, 4).Select(g => Enumerable.Range(0, Devices)
            .Select(d => Delta(training[g], state.Tasks[id], Name(g, d), (g * Devices) + d)).ToArray())];
        state = ExecuteAll(state, [.. Enumerable.Range(0, 4).Select(g => Sign(g, new CommitDeltas(
            id, 1, MerkleTree.DeltaRoot(deltas[g].Select(d => Hash256.Of(d))), Devices)))], new VerifiedSignatures());
        ReadOnlyMemory<byte>[] reveals = [.. Enumerable.Range(0, 4).Select(g => (ReadOnlyMemory<byte>)Sign(
            g, new RevealDeltas(id, 1, [.. deltas[g].Select(d => (ReadOnlyMemory<byte>)d)])))];
        double seconds = MedianSeconds(5, () => Execute(state, reveals, new VerifiedSignatures()));
        return ("deltas of 10 kB verified, aggregated (NNM), scored, all cores", 4 * Devices / seconds, "/s");
    }

    private static DeviceId Name(int gateway, int device) => new($"r{gateway}-{device:d2}");

    private static byte[] Delta(Signer training, TaskState task, DeviceId device, int seed)
    {
        var random = new SplitMix64((ulong)seed);
        var values = new sbyte[task.Specification.Architecture.ParameterCount];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (sbyte)(random.Next(81) - 40);
        }

        return training.Message(
            SignedDelta.Role, SignedDelta.EncodePayload(task.Id, task.Round, task.Model.Hash, device, values));
    }

    private static TaskSpecification Specification() => new()
    {
        Name = "bench",
        Features = new FeatureSpecification([new ChannelSpecification("ax", "g", 2_000_000)], 64, 32, 10),
        Classes = ["idle", "ok", "worn"],
        Architecture = new ModelArchitecture(ModelKind.Mlp, [12, 625, 3], 6, 6, 5, 5),
        Training = new TrainingParameters(1, 32, 50_000, 0, 0),
        Rule = AggregationRule.NnmTrimmedMean,
        ByzantinePermille = 200,
        Rounds = 3,
        PhaseBlocksMax = 5,
        Seed = 7,
    };

    private static LedgerState ExecuteAll(LedgerState state, byte[][] transactions, VerifiedSignatures cache) =>
        Execute(state, [.. transactions.Select(t => (ReadOnlyMemory<byte>)t)], cache);

    private static LedgerState Execute(LedgerState state, ReadOnlyMemory<byte>[] transactions, VerifiedSignatures cache)
    {
        (LedgerState next, BlockOutcome outcome) = state.Execute(
            state.Height.Next, state.Accounts.Keys.First(), transactions, cache);
        RejectionReason? reason = outcome.Rejections.FirstOrDefault(r => r is not null);
        return reason is null ? next : throw new InvalidOperationException(
            string.Create(CultureInfo.InvariantCulture, $"A benchmark transaction was refused: {reason}."));
    }

    /// <summary>A software key that signs envelopes.</summary>
    private sealed class Signer
    {
        private readonly Key key;

        public Signer(byte seed)
        {
            byte[] bytes = [.. Enumerable.Repeat(seed, 32)];
            key = Key.Import(NSec.Cryptography.SignatureAlgorithm.Ed25519, bytes, KeyBlobFormat.RawPrivateKey);
            byte[] raw = key.PublicKey.Export(KeyBlobFormat.RawPublicKey);
            Public = VerifyingKey.TryImport(Wire.Cose.SignatureAlgorithm.EdDsa, raw, out VerifyingKey? imported)
                ? imported!
                : throw new InvalidOperationException("A key of our own was refused.");
        }

        public VerifyingKey Public { get; }

        public byte[] Sign(byte[] message) => NSec.Cryptography.SignatureAlgorithm.Ed25519.Sign(key, message);

        public byte[] Message(string role, byte[] payload) =>
            CoseSign1.Assemble(Public, payload, Sign(CoseSign1.SignBytes(Public, role, payload)));

        public byte[] Transaction(TransactionBody body, ulong nonce) =>
            Message(TransactionCodec.Role, TransactionCodec.EncodePayload("bench", nonce, body));
    }
}
