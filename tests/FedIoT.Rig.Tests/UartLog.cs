namespace FedIoT.Rig.Tests;

/// <summary>What the board says on its console, line by line. Thread-safe.</summary>
internal sealed class UartLog
{
    private const int LinesMax = 10_000;

    private readonly Lock gate = new();
    private readonly List<string> lines = [];
    private readonly List<(string Part, TaskCompletionSource Seen)> waiters = [];

    /// <summary>All lines since the start, oldest first.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (gate)
            {
                return [.. lines];
            }
        }
    }

    public void Add(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (gate)
        {
            if (lines.Count < LinesMax)
            {
                lines.Add(line.TrimEnd('\r'));
            }

            foreach ((string part, TaskCompletionSource seen) in waiters)
            {
                if (line.Contains(part, StringComparison.Ordinal))
                {
                    seen.TrySetResult();
                }
            }

            waiters.RemoveAll(w => w.Seen.Task.IsCompleted);
        }
    }

    /// <summary>Completes when a line has the text in it, which may be there already.</summary>
    public Task AnyWith(string part)
    {
        lock (gate)
        {
            return lines.Exists(l => l.Contains(part, StringComparison.Ordinal)) ? Task.CompletedTask : NextWith(part);
        }
    }

    /// <summary>Completes with the next line that has the text in it.</summary>
    public Task NextWith(string part)
    {
        var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (gate)
        {
            waiters.Add((part, seen));
        }

        return seen.Task;
    }
}
