using FedIoT.Gateway.Configuration;
using FedIoT.Wire.Tasks;
using Xunit;

namespace FedIoT.Gateway.Tests.Configuration;

public sealed class TaskFileTests
{
    public const string Valid =
        """
        name = "pump-condition"
        classes = ["healthy", "imbalance", "misalignment", "bearing-wear"]
        rounds = 2
        seed = 7
        [training]
        local_epochs = 1
        [features]
        window_samples = 128
        hop_samples = 64
        sample_interval_ms = 2
        [[features.channel]]
        name = "ax"
        unit = "g"
        range = 4
        [[features.channel]]
        name = "ay"
        unit = "g"
        range = 4
        [[features.channel]]
        name = "az"
        unit = "g"
        range = 4
        """;

    [Fact]
    public void ValidFile_BecomesATaskThatTheChainDecodes()
    {
        var problems = new ProblemList();
        TaskSpecification? task = TaskFile.Parse(Valid, "task.toml", problems);
        Assert.True(problems.IsEmpty, string.Join('\n', problems.All));
        Assert.Equal([48, 32, 4], task!.Architecture.Dimensions);
        Assert.Equal(AggregationRule.NnmTrimmedMean, task.Rule);
        Assert.Equal(1, task.Training.LocalEpochs);
        Assert.True(TaskSpecification.TryDecode(task.Encode(), out TaskSpecification? decoded));
        Assert.Equal(7ul, decoded!.Seed);
    }

    [Fact]
    public void WrongValues_AreAllReported()
    {
        var problems = new ProblemList();
        string text = "rule = \"medain\"\n" + Valid
            .Replace("rounds = 2", "rounds = 0", StringComparison.Ordinal)
            .Replace("local_epochs", "local_epoch", StringComparison.Ordinal)
            .Replace("\"imbalance\"", "2", StringComparison.Ordinal);
        Assert.Null(TaskFile.Parse(text, "task.toml", problems));
        string all = string.Join('\n', problems.All);
        Assert.Contains("did you mean 'median'?", all, StringComparison.Ordinal);
        Assert.Contains("rounds is 0", all, StringComparison.Ordinal);
        Assert.Contains("did you mean 'local_epochs'?", all, StringComparison.Ordinal);
        Assert.Contains("classes lists 2", all, StringComparison.Ordinal);
        Assert.Equal(4, problems.All.Count);
    }

    [Fact]
    public void ClassThatIsAlone_IsReportedByTheTasksOwnRule()
    {
        var problems = new ProblemList();
        string text = Valid.Replace(
            ", \"imbalance\", \"misalignment\", \"bearing-wear\"", "", StringComparison.Ordinal);
        TaskFile.Parse(text, "task.toml", problems);
        Assert.Contains("2 to 64", Assert.Single(problems.All).Message, StringComparison.Ordinal);
    }
}
