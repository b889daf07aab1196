using System.Numerics;

namespace FedIoT.Learning.Kernels;

/// <summary>
/// C = start + A × B, bit for bit the same on every processor: each element of C is one chain of fused multiply-adds
/// over the inner index in ascending order. Vector lanes hold neighbouring columns of C and never parts of one sum,
/// so the width of a vector does not show in the result.
/// </summary>
/// <remarks>
/// The tile is 6 rows × 2 vectors: 12 independent chains hide the latency of a multiply-add (4 cycles × 2 units = 8),
/// and 12 sums + 2 of B + 1 of A fit into the 16 registers of AVX2.
/// </remarks>
internal static unsafe class MatrixProduct
{
    /// <summary>
    /// Every matrix row that vectors run along is padded to this; a multiple of every vector's width.
    /// </summary>
    public const int Lanes = 16;

    /// <summary>Rounds up to a multiple of <see cref="Lanes"/>.</summary>
    public static int Padded(int count) => (count + Lanes - 1) / Lanes * Lanes;

    /// <summary>
    /// Computes rows × columns elements of C; <paramref name="start"/> may be C itself (to accumulate).
    /// </summary>
    /// <param name="a">rows × depth, any strides.</param>
    /// <param name="b">depth × columns, column stride 1.</param>
    /// <param name="start">First term of each chain; row stride 0 gives every row the same (a bias).</param>
    /// <param name="c">Result, column stride 1.</param>
    /// <param name="cStride">Row stride of C.</param>
    /// <param name="rows">Rows of A and C.</param>
    /// <param name="columns">Columns of B and C, a multiple of <see cref="Lanes"/>.</param>
    /// <param name="depth">Columns of A, rows of B.</param>
    public static void Multiply(
        MatrixView a, MatrixView b, MatrixView start, Span<float> c, int cStride, int rows, int columns, int depth)
    {
        if (rows < 1 || depth < 1 || columns < 1 || columns % Lanes != 0 || b.ColumnStride != 1
            || start.ColumnStride != 1 || !a.Holds(rows, depth) || !b.Holds(depth, columns)
            || !start.Holds(rows, columns) || !new MatrixView(c, cStride).Holds(rows, columns))
        {
            throw new ArgumentException($"A {rows} × {depth} by {depth} × {columns} product is outside its arrays.");
        }

        fixed (float* pa = a.Data, pb = b.Data, ps = start.Data, pc = c)
        {
            unchecked
            {
                int pair = Vector<float>.Count * 2;
                int column = 0;
                for (; column + pair <= columns; column += pair)
                {
                    var panel = new Panel(pa, a, pb + column, b, ps + column, start, pc + column, cStride, depth);
                    MultiplyPanel(panel, rows);
                }

                // Only where a vector is as wide as the padding: one column of vectors may be left.
                for (; column < columns; column += Vector<float>.Count)
                {
                    var panel = new Panel(pa, a, pb + column, b, ps + column, start, pc + column, cStride, depth);
                    for (int row = 0; row < rows; row++)
                    {
                        Tile1x1(panel.At(row));
                    }
                }
            }
        }
    }

    private static void MultiplyPanel(in Panel panel, int rows)
    {
        int row = 0;
        while (row < rows)
        {
            int left = rows - row;
            Panel tile = panel.At(row);
            if (left >= 6 && left is not (7 or 8))
            {
                Tile6x2(tile);
                row += 6;
            }
            else if (left >= 4)
            {
                Tile4x2(tile);
                row += 4;
            }
            else if (left >= 2)
            {
                Tile2x2(tile);
                row += 2;
            }
            else
            {
                Tile1x1(tile);
                Tile1x1(tile.Right());
                row++;
            }
        }
    }

    private static void Tile6x2(in Panel p)
    {
        unchecked
        {
            nint width = Vector<float>.Count;
            float* s = p.Start;
            Vector<float> c00 = Vector.Load(s), c01 = Vector.Load(s + width);
            Vector<float> c10 = Vector.Load(s += p.StartRow), c11 = Vector.Load(s + width);
            Vector<float> c20 = Vector.Load(s += p.StartRow), c21 = Vector.Load(s + width);
            Vector<float> c30 = Vector.Load(s += p.StartRow), c31 = Vector.Load(s + width);
            Vector<float> c40 = Vector.Load(s += p.StartRow), c41 = Vector.Load(s + width);
            Vector<float> c50 = Vector.Load(s += p.StartRow), c51 = Vector.Load(s + width);
            float* a = p.A;
            float* a3 = a + (3 * p.ARow);
            float* b = p.B;
            nint row = p.ARow, row2 = 2 * p.ARow, column = p.AColumn, bRow = p.BRow;
            for (nint k = p.Depth; k > 0; k--)
            {
                Vector<float> b0 = Vector.Load(b), b1 = Vector.Load(b + width);
                var x = new Vector<float>(*a);
                c00 = Vector.FusedMultiplyAdd(x, b0, c00);
                c01 = Vector.FusedMultiplyAdd(x, b1, c01);
                x = new Vector<float>(a[row]);
                c10 = Vector.FusedMultiplyAdd(x, b0, c10);
                c11 = Vector.FusedMultiplyAdd(x, b1, c11);
                x = new Vector<float>(a[row2]);
                c20 = Vector.FusedMultiplyAdd(x, b0, c20);
                c21 = Vector.FusedMultiplyAdd(x, b1, c21);
                x = new Vector<float>(*a3);
                c30 = Vector.FusedMultiplyAdd(x, b0, c30);
                c31 = Vector.FusedMultiplyAdd(x, b1, c31);
                x = new Vector<float>(a3[row]);
                c40 = Vector.FusedMultiplyAdd(x, b0, c40);
                c41 = Vector.FusedMultiplyAdd(x, b1, c41);
                x = new Vector<float>(a3[row2]);
                c50 = Vector.FusedMultiplyAdd(x, b0, c50);
                c51 = Vector.FusedMultiplyAdd(x, b1, c51);
                a += column;
                a3 += column;
                b += bRow;
            }

            float* c = p.C;
            Store(c, c00, c01);
            Store(c += p.CRow, c10, c11);
            Store(c += p.CRow, c20, c21);
            Store(c += p.CRow, c30, c31);
            Store(c += p.CRow, c40, c41);
            Store(c + p.CRow, c50, c51);
        }
    }

    private static void Tile4x2(in Panel p)
    {
        unchecked
        {
            nint width = Vector<float>.Count;
            float* s = p.Start;
            Vector<float> c00 = Vector.Load(s), c01 = Vector.Load(s + width);
            Vector<float> c10 = Vector.Load(s += p.StartRow), c11 = Vector.Load(s + width);
            Vector<float> c20 = Vector.Load(s += p.StartRow), c21 = Vector.Load(s + width);
            Vector<float> c30 = Vector.Load(s += p.StartRow), c31 = Vector.Load(s + width);
            float* a = p.A;
            float* b = p.B;
            nint row = p.ARow, row2 = 2 * p.ARow, row3 = 3 * p.ARow, column = p.AColumn, bRow = p.BRow;
            for (nint k = p.Depth; k > 0; k--)
            {
                Vector<float> b0 = Vector.Load(b), b1 = Vector.Load(b + width);
                var x = new Vector<float>(*a);
                c00 = Vector.FusedMultiplyAdd(x, b0, c00);
                c01 = Vector.FusedMultiplyAdd(x, b1, c01);
                x = new Vector<float>(a[row]);
                c10 = Vector.FusedMultiplyAdd(x, b0, c10);
                c11 = Vector.FusedMultiplyAdd(x, b1, c11);
                x = new Vector<float>(a[row2]);
                c20 = Vector.FusedMultiplyAdd(x, b0, c20);
                c21 = Vector.FusedMultiplyAdd(x, b1, c21);
                x = new Vector<float>(a[row3]);
                c30 = Vector.FusedMultiplyAdd(x, b0, c30);
                c31 = Vector.FusedMultiplyAdd(x, b1, c31);
                a += column;
                b += bRow;
            }

            float* c = p.C;
            Store(c, c00, c01);
            Store(c += p.CRow, c10, c11);
            Store(c += p.CRow, c20, c21);
            Store(c + p.CRow, c30, c31);
        }
    }

    private static void Tile2x2(in Panel p)
    {
        unchecked
        {
            nint width = Vector<float>.Count;
            float* s = p.Start;
            Vector<float> c00 = Vector.Load(s), c01 = Vector.Load(s + width);
            Vector<float> c10 = Vector.Load(s += p.StartRow), c11 = Vector.Load(s + width);
            float* a = p.A;
            float* b = p.B;
            for (nint k = p.Depth; k > 0; k--)
            {
                Vector<float> b0 = Vector.Load(b), b1 = Vector.Load(b + width);
                var x = new Vector<float>(*a);
                c00 = Vector.FusedMultiplyAdd(x, b0, c00);
                c01 = Vector.FusedMultiplyAdd(x, b1, c01);
                x = new Vector<float>(a[p.ARow]);
                c10 = Vector.FusedMultiplyAdd(x, b0, c10);
                c11 = Vector.FusedMultiplyAdd(x, b1, c11);
                a += p.AColumn;
                b += p.BRow;
            }

            Store(p.C, c00, c01);
            Store(p.C + p.CRow, c10, c11);
        }
    }

    private static void Tile1x1(in Panel p)
    {
        unchecked
        {
            Vector<float> sum = Vector.Load(p.Start);
            float* a = p.A;
            float* b = p.B;
            for (nint k = p.Depth; k > 0; k--)
            {
                sum = Vector.FusedMultiplyAdd(new Vector<float>(*a), Vector.Load(b), sum);
                a += p.AColumn;
                b += p.BRow;
            }

            Vector.Store(sum, p.C);
        }
    }

    private static void Store(float* destination, Vector<float> left, Vector<float> right)
    {
        unchecked
        {
            Vector.Store(left, destination);
            Vector.Store(right, destination + Vector<float>.Count);
        }
    }

    /// <summary>Where one tile starts in A, B, the start values and C, and their strides.</summary>
    private readonly struct Panel
    {
        public readonly float* A;
        public readonly float* B;
        public readonly float* Start;
        public readonly float* C;
        public readonly nint ARow;
        public readonly nint AColumn;
        public readonly nint BRow;
        public readonly nint StartRow;
        public readonly nint CRow;
        public readonly nint Depth;

        public Panel(
            float* a, MatrixView aView, float* b, MatrixView bView, float* start, MatrixView startView,
            float* c, int cStride, int depth)
        {
            A = a;
            B = b;
            Start = start;
            C = c;
            ARow = aView.RowStride;
            AColumn = aView.ColumnStride;
            BRow = bView.RowStride;
            StartRow = startView.RowStride;
            CRow = cStride;
            Depth = depth;
        }

        private Panel(in Panel from, float* a, float* b, float* start, float* c)
        {
            this = from;
            A = a;
            B = b;
            Start = start;
            C = c;
        }

        public Panel At(int row)
        {
            unchecked
            {
                return new Panel(this, A + (row * ARow), B, Start + (row * StartRow), C + (row * CRow));
            }
        }

        public Panel Right()
        {
            unchecked
            {
                nint width = Vector<float>.Count;
                return new Panel(this, A, B + width, Start + width, C + width);
            }
        }
    }
}
