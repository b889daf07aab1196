using System.Formats.Cbor;

namespace FedIoT.Wire.Tasks;

/// <summary>
/// A federated learning task as a chain object: everything that must be the same for all gateways and validators.
/// Immutable; format in docs/spec/transactions.md.
/// </summary>
public sealed class TaskSpecification
{
    /// <summary>Longest name, in characters.</summary>
    public const int NameLengthMax = 64;

    /// <summary>Most classes.</summary>
    public const int ClassesMax = 64;

    /// <summary>Name, unique on the chain.</summary>
    public required string Name { get; init; }

    /// <summary>What devices compute.</summary>
    public required FeatureSpecification Features { get; init; }

    /// <summary>Class names; label k (from 1) in a frame means <c>Classes[k - 1]</c>.</summary>
    public required IReadOnlyList<string> Classes { get; init; }

    /// <summary>Model.</summary>
    public required ModelArchitecture Architecture { get; init; }

    /// <summary>Local training.</summary>
    public required TrainingParameters Training { get; init; }

    /// <summary>How deltas become the next model.</summary>
    public required AggregationRule Rule { get; init; }

    /// <summary>
    /// Share of a round's deltas assumed hostile, in thousandths: f = floor(n × this / 1000); below 500.
    /// </summary>
    public required int ByzantinePermille { get; init; }

    /// <summary>Training rounds until the task is complete, 1 to 100,000.</summary>
    public required int Rounds { get; init; }

    /// <summary>Blocks that each phase (statistics, commit, reveal) stays open at most, 1 to 1,000,000.</summary>
    public required int PhaseBlocksMax { get; init; }

    /// <summary>Seed of the initial weights and the local shuffles.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Deterministic CBOR form.</summary>
    public byte[] Encode()
    {
        var writer = new CborWriter(CborConformanceMode.Canonical);
        writer.WriteStartArray(11);
        writer.WriteInt32(1);
        writer.WriteTextString(Name);
        writer.WriteEncodedValue(Features.Encoded.Span);
        writer.WriteStartArray(Classes.Count);
        foreach (string name in Classes)
        {
            writer.WriteTextString(name);
        }

        writer.WriteEndArray();
        WriteArchitecture(writer);
        writer.WriteStartArray(5);
        writer.WriteInt32(Training.LocalEpochs);
        writer.WriteInt32(Training.BatchSamples);
        writer.WriteInt32(Training.LearningRateMillionths);
        writer.WriteInt32(Training.MomentumMillionths);
        writer.WriteInt32(Training.WeightDecayMillionths);
        writer.WriteEndArray();
        writer.WriteInt32((int)Rule);
        writer.WriteInt32(ByzantinePermille);
        writer.WriteInt32(Rounds);
        writer.WriteInt32(PhaseBlocksMax);
        writer.WriteUInt64(Seed);
        writer.WriteEndArray();
        return writer.Encode();
    }

    /// <summary>Reads and checks the CBOR form; false for anything else, nothing throws.</summary>
    public static bool TryDecode(ReadOnlyMemory<byte> bytes, out TaskSpecification? task)
    {
        task = null;
        try
        {
            var reader = new CborReader(bytes, CborConformanceMode.Canonical);
            TaskSpecification read = Read(reader);
            if (reader.BytesRemaining != 0 || read.FindProblem() is not null)
            {
                return false;
            }

            task = read;
            return true;
        }
        catch (Exception e) when (
            e is CborContentException or InvalidOperationException or OverflowException or ArgumentException)
        {
            return false; // not canonical CBOR of the expected shape, or numbers that describe no task
        }
    }

    /// <summary>What is wrong with the numbers, in a sentence; null when nothing is.</summary>
    public string? FindProblem()
    {
        if (Name.Length is < 1 or > NameLengthMax)
        {
            return $"A task's name has 1 to {NameLengthMax} characters.";
        }

        if (Classes.Count is < 2 or > ClassesMax || Classes.Any(c => c.Length is < 1 or > 64))
        {
            return $"A task has 2 to {ClassesMax} named classes.";
        }

        if (Architecture.OutputCount != Classes.Count)
        {
            return $"The model gives {Architecture.OutputCount} values for {Classes.Count} classes.";
        }

        if (Architecture.Kind == ModelKind.Mlp && Architecture.InputCount != Features.FeatureCount)
        {
            return $"The model takes {Architecture.InputCount} values, a window has {Features.FeatureCount} features.";
        }

        if (Training is not { LocalEpochs: >= 1 and <= 100, BatchSamples: >= 1 and <= 1024 }
            || Training.LearningRateMillionths is < 1 or > 10_000_000
            || Training.MomentumMillionths is < 0 or > 999_999
            || Training.WeightDecayMillionths is < 0 or > 1_000_000)
        {
            return "A training parameter is out of its range.";
        }

        if (!Enum.IsDefined(Rule) || ByzantinePermille is < 0 or > 499)
        {
            return "The aggregation rule is unknown, or assumes half of the deltas hostile.";
        }

        return Rounds is < 1 or > 100_000 || PhaseBlocksMax is < 1 or > 1_000_000
            ? "Rounds or phase length out of range." : null;
    }

    private static TaskSpecification Read(CborReader reader)
    {
        if (reader.ReadStartArray() != 11 || reader.ReadInt32() != 1)
        {
            throw new CborContentException("Not a task of version 1.");
        }

        string name = reader.ReadTextString();
        FeatureSpecification features = FeatureSpecification.Read(reader);
        string[] classes = ReadClasses(reader);
        ModelArchitecture architecture = ReadArchitecture(reader);
        if (reader.ReadStartArray() != 5)
        {
            throw new CborContentException("Training has 5 fields.");
        }

        var training = new TrainingParameters(
            reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt32());
        reader.ReadEndArray();
        var task = new TaskSpecification
        {
            Name = name,
            Features = features,
            Classes = classes,
            Architecture = architecture,
            Training = training,
            Rule = (AggregationRule)reader.ReadInt32(),
            ByzantinePermille = reader.ReadInt32(),
            Rounds = reader.ReadInt32(),
            PhaseBlocksMax = reader.ReadInt32(),
            Seed = reader.ReadUInt64(),
        };
        reader.ReadEndArray();
        return task;
    }

    private static string[] ReadClasses(CborReader reader)
    {
        int count = reader.ReadStartArray() ?? 0;
        if (count is < 2 or > ClassesMax)
        {
            throw new CborContentException("Class count out of range.");
        }

        var classes = new string[count];
        for (int i = 0; i < count; i++)
        {
            classes[i] = reader.ReadTextString();
        }

        reader.ReadEndArray();
        return classes;
    }

    private static ModelArchitecture ReadArchitecture(CborReader reader)
    {
        if (reader.ReadStartArray() != 6)
        {
            throw new CborContentException("An architecture has 6 fields.");
        }

        var kind = (ModelKind)reader.ReadInt32();
        int count = reader.ReadStartArray() ?? 0;
        if (count is < 2 or > 8)
        {
            throw new CborContentException("Dimension count out of range.");
        }

        var dimensions = new int[count];
        for (int i = 0; i < count; i++)
        {
            dimensions[i] = reader.ReadInt32();
        }

        reader.ReadEndArray();
        var architecture = new ModelArchitecture(
            kind, dimensions, reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt32());
        reader.ReadEndArray();
        return architecture;
    }

    private void WriteArchitecture(CborWriter writer)
    {
        writer.WriteStartArray(6);
        writer.WriteInt32((int)Architecture.Kind);
        writer.WriteStartArray(Architecture.Dimensions.Count);
        foreach (int dimension in Architecture.Dimensions)
        {
            writer.WriteInt32(dimension);
        }

        writer.WriteEndArray();
        writer.WriteInt32(Architecture.WeightScaleExponent);
        writer.WriteInt32(Architecture.BiasScaleExponent);
        writer.WriteInt32(Architecture.InputScaleExponent);
        writer.WriteInt32(Architecture.ActivationScaleExponent);
        writer.WriteEndArray();
    }
}
