using Xunit;

namespace FedIoT.Repository.Tests;

/// <summary>Reports every finding at once; a list cut off after five items costs a run each.</summary>
internal static class Problems
{
    public static void AssertNone(IEnumerable<string> problems)
    {
        string[] found = [.. problems];
        Assert.True(found.Length == 0, $"{found.Length} finding(s):\n" + string.Join('\n', found));
    }
}
