namespace FedIoT.Ledger.Aggregation;

/// <summary>
/// A plan that moves the values of the ranks low to high of every column into the rows low to high, in any order
/// among themselves: a sorting network without the parts that this does not need.
/// <para>
/// It works on groups of eight rows, each loaded and stored once. Eights are sorted, then sorted runs are merged
/// bitonically: with the second run mirrored, the first three layers of a merge and every three layers after them
/// close over groups of eight; where fewer layers are left, the last group repeats layers that then change nothing.
/// Rows beyond the last delta hold the largest value and stay where they are.
/// </para>
/// </summary>
internal sealed class SelectionNetwork
{
    /// <summary>Rows of a group.</summary>
    public const int GroupRows = 8;

    private const int Exact = -1;

    /// <param name="count">Rows with values.</param>
    /// <param name="low">First rank wanted, from 0.</param>
    /// <param name="high">Last rank wanted.</param>
    public SelectionNetwork(int count, int low, int high)
    {
        int padded = GroupRows;
        while (padded < count)
        {
            padded *= 2;
        }

        Rows = padded;
        List<Group> all = Sort(padded);
        Groups = [.. Needed(all.Where(group => group.Row(1) < count), padded, low, high)];
    }

    /// <summary>What is known of the rows of a group, and so how they are sorted.</summary>
    public enum Order
    {
        /// <summary>Nothing.</summary>
        None,

        /// <summary>Two ascending fours.</summary>
        Fours,

        /// <summary>Bitonic.</summary>
        Bitonic,
    }

    /// <summary>Rows of the block: a power of two, at least 8.</summary>
    public int Rows { get; }

    /// <summary>What to do, in order.</summary>
    public Group[] Groups { get; }

    private static List<Group> Sort(int padded)
    {
        var groups = new List<Group>();
        for (int first = 0; first < padded; first += GroupRows)
        {
            groups.Add(new Group(Order.None, first, first + 4, 1));
        }

        for (int run = 2 * GroupRows; run <= padded; run *= 2)
        {
            int stride = run / GroupRows;
            for (int first = 0; first < padded; first += run)
            {
                groups.AddRange(Enumerable.Range(0, stride).Select(i =>
                    new Group(Order.Fours, first + i, first + run - 1 - i - (3 * stride), stride)));
            }

            while (stride > 1)
            {
                int span = Math.Max(stride, GroupRows);
                stride = span / GroupRows;
                for (int first = 0; first < padded; first += span)
                {
                    groups.AddRange(Enumerable.Range(0, stride).Select(i =>
                        new Group(Order.Bitonic, first + i, first + i + (4 * stride), stride)));
                }
            }
        }

        return groups;
    }

    /// <summary>
    /// From the last group backwards: rows are below, among or above the wanted ones, or must be exact. A group whose
    /// rows are all of one of the three kinds only permutes what is alike; any other one makes its rows exact.
    /// </summary>
    private static Stack<Group> Needed(IEnumerable<Group> groups, int padded, int low, int high)
    {
        int[] kinds = [.. Enumerable.Range(0, padded).Select(row => row < low ? 0 : row <= high ? 1 : 2)];
        var needed = new Stack<Group>();
        foreach (Group group in groups.Reverse())
        {
            int kind = kinds[group.Row(0)];
            if (kind != Exact && Enumerable.Range(0, GroupRows).All(k => kinds[group.Row(k)] == kind))
            {
                continue;
            }

            needed.Push(group);
            for (int k = 0; k < GroupRows; k++)
            {
                kinds[group.Row(k)] = Exact;
            }
        }

        return needed;
    }

    /// <summary>Eight ascending rows: four from first on and four from second on, each stride apart.</summary>
    internal readonly record struct Group(Order Order, int First, int Second, int Stride)
    {
        public int Row(int index) => index < 4 ? First + (index * Stride) : Second + ((index - 4) * Stride);
    }
}
