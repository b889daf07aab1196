using System.Text.RegularExpressions;
using Xunit;

namespace FedIoT.Repository.Tests;

/// <summary>Style rules that a machine can check, so that reviews are about design.</summary>
public sealed partial class TidyTests
{
    private const int ColumnsMax = 120;
    private const int FileLinesMax = 500;
    private const int FunctionLinesMax = 70;

    private static readonly string[] TopLevel =
        ["FedIoT.sln", "LICENSE", "README.md", "firmware", "gateway", "global.json", "hardware", "tests"];

    private static readonly string[] BannedTypeWords =
        ["Manager", "Helper", "Helpers", "Util", "Utils", "Utilities", "Common", "Misc", "Impl"];

    [Fact]
    public void TopLevel_HoldsExactlyTheAgreedFolders()
    {
        IEnumerable<string> extra = Directory.EnumerateFileSystemEntries(RepositoryRoot.Path)
            .Select(Path.GetFileName)
            .OfType<string>()
            .Where(n => !n.StartsWith('.') && !n.StartsWith("Directory.", StringComparison.Ordinal))
            .Where(n => n is not ("artifacts" or "demo-out"))
            .Except(TopLevel);
        Problems.AssertNone(extra);
        Assert.All(TopLevel, n => Assert.True(Path.Exists(Path.Combine(RepositoryRoot.Path, n)), n));
    }

    [Fact]
    public void Files_HaveNamesThatEveryShellTakes() => Problems.AssertNone(
        RepositoryRoot.Files("*").Select(RepositoryRoot.Relative).Where(f => !FileNamePattern().IsMatch(f)));

    [Fact]
    public void Sources_KeepToTheLineLength() => AssertNoLine(
        line => line.Length > ColumnsMax && !line.Contains("http", StringComparison.Ordinal), $"over {ColumnsMax} columns");

    [Fact]
    public void Sources_HaveNoRegionTabOrTrailingSpace() => AssertNoLine(
        line => line.Contains('\t') || line.EndsWith(' ') || RegionPattern().IsMatch(line), "region, tab or trailing space");

    [Fact]
    public void Sources_HaveNoOpenEnds() => AssertNoLine(
        line => OpenEndPattern().IsMatch(line), "a to-do mark, an unfinished member or an empty catch");

    [Fact]
    public void Sources_DisableNoWarningWithoutAReason() => AssertNoLine(
        line => line.TrimStart().StartsWith("#pragma warning disable", StringComparison.Ordinal)
            && !line.Contains("//", StringComparison.Ordinal), "a pragma without a reason");

    [Fact]
    public void Files_AreNamedAfterTheirOnePublicType()
    {
        var problems = new List<string>();
        foreach (string file in Sources().Where(f => !RepositoryRoot.Relative(f).StartsWith("tests/", StringComparison.Ordinal)))
        {
            if (IsForeignSignature(file))
            {
                continue;
            }

            string[] types = [.. PublicTypePattern().Matches(File.ReadAllText(file)).Select(m => m.Groups["name"].Value)];
            string stem = Path.GetFileNameWithoutExtension(file).Split('.')[0];
            if (types.Distinct().Count() > 1 || (types.Length > 0 && types[0] != stem))
            {
                problems.Add($"{RepositoryRoot.Relative(file)}: {string.Join(", ", types.Distinct())}");
            }
        }

        Problems.AssertNone(problems);
    }

    [Fact]
    public void Types_HaveNamesThatSaySomething()
    {
        IEnumerable<string> problems = Sources()
            .Where(f => !IsForeignSignature(f))
            .SelectMany(f => AnyTypePattern().Matches(File.ReadAllText(f)).Select(m => m.Groups["name"].Value))
            .Where(name => BannedTypeWords.Any(w => name.EndsWith(w, StringComparison.Ordinal)));
        Problems.AssertNone(problems);
    }

    [Fact]
    public void Files_AreSplitByResponsibility()
    {
        IEnumerable<string> problems = Sources()
            .Select(f => (File: RepositoryRoot.Relative(f), Lines: File.ReadLines(f).Count()))
            .Where(p => p.Lines > FileLinesMax)
            .Select(p => $"{p.File}: {p.Lines} lines");
        Problems.AssertNone(problems);
    }

    [Fact]
    public void Functions_FitOnAScreen()
    {
        IEnumerable<string> problems = Sources().SelectMany(f => LongFunctions(f));
        Problems.AssertNone(problems);
    }

    [Fact]
    public void Text_NamesNoMachinePath()
    {
        IEnumerable<string> files = new[] { "*.cs", "*.md", "*.csproj", "*.props", "*.toml", "run" }
            .SelectMany(RepositoryRoot.Files);
        IEnumerable<string> problems = files
            .Where(f => MachinePathPattern().IsMatch(File.ReadAllText(f)))
            .Select(RepositoryRoot.Relative);
        Problems.AssertNone(problems);
    }

    [Fact]
    public void Tests_DoNotSleep()
    {
        IEnumerable<string> problems = Sources()
            .Where(f => RepositoryRoot.Relative(f).StartsWith("tests/", StringComparison.Ordinal))
            .Where(f => Path.GetFileName(f) != "SlowSigner.cs") // takes the time of a chip for figures
            .Where(f => File.ReadAllText(f).Contains("Thread." + "Sleep", StringComparison.Ordinal))
            .Select(RepositoryRoot.Relative);
        Problems.AssertNone(problems);
    }

    // Signatures of a runtime that is not ours: its names, a file a namespace.
    private static bool IsForeignSignature(string file) =>
        RepositoryRoot.Relative(file).StartsWith("firmware/FedIoT.Firmware.Profile/", StringComparison.Ordinal)
        || RepositoryRoot.Relative(file).StartsWith("firmware/FedIoT.Firmware.EdgeStubs/", StringComparison.Ordinal)
        || RepositoryRoot.Relative(file).StartsWith("hardware/FedIoT.Display.Stubs/", StringComparison.Ordinal);

    private static IEnumerable<string> Sources() => RepositoryRoot.Files("*.cs");

    private static void AssertNoLine(Func<string, bool> isProblem, string what)
    {
        var problems = new List<string>();
        foreach (string file in Sources().Where(f => Path.GetFileName(f) != "TidyTests.cs"))
        {
            int number = 0;
            foreach (string line in File.ReadLines(file))
            {
                number++;
                if (isProblem(line))
                {
                    problems.Add($"{RepositoryRoot.Relative(file)}:{number}: {what}");
                }
            }
        }

        Problems.AssertNone(problems);
    }

    // A function is a block opened by "{" on a line of its own at four (member) or more columns of indentation whose
    // header is not a type, a namespace or a property: the sources are formatted that way throughout.
    private static IEnumerable<string> LongFunctions(string file)
    {
        string[] lines = File.ReadAllLines(file);
        for (int i = 1; i < lines.Length; i++)
        {
            string indent = lines[i][..^lines[i].TrimStart().Length];
            if (lines[i].Trim() != "{" || indent.Length is not (4 or 8) || !MethodHeadPattern().IsMatch(Head(lines, i)))
            {
                continue;
            }

            int end = Array.FindIndex(lines, i + 1, l => l.StartsWith(indent + "}", StringComparison.Ordinal));
            if (end - i - 1 > FunctionLinesMax)
            {
                yield return $"{RepositoryRoot.Relative(file)}:{i}: {end - i - 1} lines";
            }
        }
    }

    private static string Head(string[] lines, int brace)
    {
        int start = brace - 1;
        while (start > 0 && brace - start < 8 && !lines[start].Contains('(', StringComparison.Ordinal))
        {
            start--;
        }

        return string.Join(' ', lines[start..brace]).Trim();
    }

    [GeneratedRegex("^[A-Za-z0-9._/-]+$")]
    private static partial Regex FileNamePattern();

    [GeneratedRegex(@"^(?!.*= new|.*\b(class|struct|record|interface|enum|namespace|if|for|foreach|while|switch|using|lock|try|else)\b).*\(.*\)")]
    private static partial Regex MethodHeadPattern();

    [GeneratedRegex(@"^\s*#(end)?region")]
    private static partial Regex RegionPattern();

    [GeneratedRegex(@"\bTODO\b|\bFIXME\b|\bHACK\b|NotImplementedException|catch(\s*\(.*\))?\s*\{\s*\}|null!")]
    private static partial Regex OpenEndPattern();

    [GeneratedRegex(@"^public (?:(?:static|sealed|abstract|partial|readonly|ref|unsafe) )*(?:record struct|record|class|struct|interface|enum|delegate \S+) (?<name>\w+)", RegexOptions.Multiline)]
    private static partial Regex PublicTypePattern();

    [GeneratedRegex(@"^\s*(?:public|internal|private)[\w ]* (?:record struct|record|class|struct|interface|enum) (?<name>\w+)", RegexOptions.Multiline)]
    private static partial Regex AnyTypePattern();

    [GeneratedRegex(@"(^|[^A-Za-z0-9_.:/-])/(work|root|home)/", RegexOptions.Multiline)]
    private static partial Regex MachinePathPattern();
}
