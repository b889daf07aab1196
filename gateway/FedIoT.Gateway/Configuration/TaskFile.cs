using FedIoT.Gateway.Cli;
using FedIoT.Wire.Tasks;

namespace FedIoT.Gateway.Configuration;

/// <summary>Reads a learning task from TOML (docs/spec/configuration.md "Task file").</summary>
internal static class TaskFile
{
    /// <summary>Reads a file.</summary>
    /// <exception cref="InputException">It is missing or wrong; the message lists every problem.</exception>
    public static TaskSpecification Read(string path)
    {
        var problems = new ProblemList();
        TaskSpecification? task = Parse(
            GatewayConfigurationReader.ReadText(path, "docs/spec/configuration.md shows a task file"), path, problems);
        problems.ThrowIfAny(path);
        return task!;
    }

    /// <summary>Binds a text; null when there are problems.</summary>
    public static TaskSpecification? Parse(string text, string name, ProblemList problems)
    {
        if (TomlFile.Parse(text, name, problems) is not { } file)
        {
            return null;
        }

        TomlTable root = file.Root;
        TomlTable model = file.Table("model", isRequired: false);
        TomlTable training = file.Table("training", isRequired: false);
        string title = root.Text("name", "pump-condition", lengthMax: TaskSpecification.NameLengthMax);
        IReadOnlyList<string> classes = root.Texts("classes", "healthy", 64);
        AggregationRule rule = root.Choice("rule", AggregationRuleNames.All, AggregationRuleNames.Default);
        int byzantine = (int)root.Integer("byzantine_permille", 0, 499, fallback: 250);
        int rounds = (int)root.Integer("rounds", 1, 100_000);
        int phase = (int)root.Integer("phase_blocks_max", 1, 1_000_000, fallback: 100);
        ulong seed = (ulong)root.Integer("seed", 0, long.MaxValue, fallback: 1);
        IReadOnlyList<int> hidden = model.Integers("hidden_units", 1, 65_536, 32);
        int weights = (int)model.Integer("weight_scale_exponent", 0, 12, fallback: 6);
        int biases = (int)model.Integer("bias_scale_exponent", 0, 12, fallback: 6);
        int inputs = (int)model.Integer("input_scale_exponent", 0, 12, fallback: 4);
        int activations = (int)model.Integer("activation_scale_exponent", 0, 12, fallback: 4);
        TrainingParameters parameters = ReadTraining(training);
        FeatureSpecification? features = FeatureTables.Read(file, problems);
        file.RefuseUnknown();
        if (!problems.IsEmpty)
        {
            return null;
        }

        try
        {
            var task = new TaskSpecification
            {
                Name = title,
                Features = features!,
                Classes = classes,
                Architecture = new ModelArchitecture(
                    ModelKind.Mlp, [features!.FeatureCount, .. hidden, classes.Count], weights, biases, inputs,
                    activations),
                Training = parameters,
                Rule = rule,
                ByzantinePermille = byzantine,
                Rounds = rounds,
                PhaseBlocksMax = phase,
                Seed = seed,
            };
            if (task.FindProblem() is { } problem)
            {
                problems.Add(new TextPlace(name, 0, 0), problem);
            }

            return task;
        }
        catch (ArgumentException e)
        {
            problems.Add(model.Place.Line > 0 ? model.Place : new TextPlace(name, 0, 0), e.Message);
            return null;
        }
    }

    private static TrainingParameters ReadTraining(TomlTable table) => new(
        LocalEpochs: (int)table.Integer("local_epochs", 1, 100, fallback: 5),
        BatchSamples: (int)table.Integer("batch_samples", 1, 1024, fallback: 32),
        LearningRateMillionths: (int)table.Integer("learning_rate_millionths", 1, 10_000_000, fallback: 50_000),
        MomentumMillionths: (int)table.Integer("momentum_millionths", 0, 999_999, fallback: 900_000),
        WeightDecayMillionths: (int)table.Integer("weight_decay_millionths", 0, 1_000_000, fallback: 100));
}
