using System.Globalization;
using Microsoft.Extensions.Logging;

namespace FedIoT.Gateway.Operate;

/// <summary>The daemon's newest log lines in memory, so that a bug report has them wherever the log goes.</summary>
/// <remarks>Thread-safe. Bounded by <see cref="LinesMax"/> and <see cref="LineLengthMax"/>.</remarks>
internal sealed class RecentLog(TimeProvider time) : ILoggerProvider
{
    /// <summary>Lines that are kept.</summary>
    public const int LinesMax = 500;

    /// <summary>Longest line, in characters; a longer one is cut.</summary>
    public const int LineLengthMax = 2000;

    private readonly Lock gate = new();
    private readonly Queue<string> lines = new(LinesMax);

    /// <summary>Oldest first.</summary>
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

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new Category(this, categoryName);

    /// <inheritdoc/>
    public void Dispose()
    {
        // lines only
    }

    private void Add(LogLevel level, string category, string message, Exception? exception)
    {
        string line = string.Create(
            CultureInfo.InvariantCulture,
            $"{time.GetUtcNow():yyyy-MM-dd HH:mm:ss.fff}Z {level} {category}: {message}{Reason(exception)}");
        lock (gate)
        {
            if (lines.Count == LinesMax)
            {
                lines.Dequeue();
            }

            lines.Enqueue(line.Length <= LineLengthMax ? line : line[..LineLengthMax]);
        }
    }

    private static string Reason(Exception? exception) =>
        exception is null ? string.Empty : $" {exception.ToString().ReplaceLineEndings(" ")}";

    private sealed class Category(RecentLog owner, string name) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel is >= LogLevel.Information and not LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                owner.Add(logLevel, name, formatter(state, exception), exception);
            }
        }
    }
}
