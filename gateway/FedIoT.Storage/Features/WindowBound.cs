using Microsoft.Data.Sqlite;

namespace FedIoT.Storage.Features;

/// <summary>
/// Keeps the newest windows of each device, purpose and label, and deletes older ones a quarter of that many at a time:
/// a sensor never fills the disk, and what is rare is not lost in what is frequent. Counts are a table of the same
/// file, written in the same transactions. Not thread-safe: used by the store's writer.
/// </summary>
/// <param name="connection">The store's writer.</param>
/// <param name="kept">Windows to keep of each device, purpose and label.</param>
internal sealed class WindowBound(SqliteConnection connection, int kept)
{
    private readonly Dictionary<Key, long> counts = [];
    private readonly HashSet<Key> changed = []; // in this transaction

    /// <summary>Reads the counts, at first or after a transaction was rolled back.</summary>
    public void Load()
    {
        counts.Clear();
        changed.Clear();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "SELECT device, purpose, label, count FROM counts";
        using SqliteDataReader row = command.ExecuteReader();
        while (row.Read())
        {
            counts.Add(new Key(row.GetInt64(0), row.GetInt64(1), row.GetInt64(2)), row.GetInt64(3));
        }
    }

    /// <summary>A window was inserted.</summary>
    public void Add(long device, long purpose, long label)
    {
        var key = new Key(device, purpose, label);
        counts[key] = counts.GetValueOrDefault(key) + 1;
        changed.Add(key);
    }

    /// <summary>Deletes what is too old and writes the counts; the last step of a transaction.</summary>
    public void Apply(SqliteTransaction transaction)
    {
        foreach (Key key in changed)
        {
            if (counts[key] > kept + (kept / 4))
            {
                counts[key] -= Execute(
                    transaction,
                    """
                    DELETE FROM frames WHERE (device, boot, sequence) IN (
                        SELECT device, boot, sequence FROM frames
                        WHERE device = $device AND purpose = $purpose AND label = $label
                        ORDER BY boot, sequence LIMIT $value)
                    """,
                    key, counts[key] - kept);
            }

            Execute(
                transaction, "INSERT OR REPLACE INTO counts VALUES ($device, $purpose, $label, $value)", key,
                counts[key]);
        }

        changed.Clear();
    }

    private int Execute(SqliteTransaction transaction, string sql, Key key, long value)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = sql;
        command.Parameters.AddWithValue("$device", key.Device);
        command.Parameters.AddWithValue("$purpose", key.Purpose);
        command.Parameters.AddWithValue("$label", key.Label);
        command.Parameters.AddWithValue("$value", value);
        return command.ExecuteNonQuery();
    }

    private readonly record struct Key(long Device, long Purpose, long Label);
}
