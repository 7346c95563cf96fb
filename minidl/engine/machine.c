/* The machine: an interpreter of array instructions, which takes the steps of an epoch.

   All arrays are in one memory; operands are offsets in it. README.md explains the instructions. A
   program is checked before it runs. Vectors touch up to PAD - 1 elements beyond the end of an
   array, so there is room. The file includes itself for each instruction set and type. */
#ifndef SET
#include <math.h>
#include <stdint.h>
#include <string.h>

typedef int64_t word;
enum { WORDS = 13, PAD = 16, PANEL = 256, LEAST = 64 };
#define INLINE static inline __attribute__((always_inline))

/* One line for each instruction: its name, and the element of the result. */
#define UNARY(X)                                                                                   \
    X(copy, a) X(negative, -a) X(absolute, fabs(a)) X(square, a *a) X(sqrt, __builtin_sqrt(a))     \
    X(exp, exp_(a)) X(expm1, expm1_(a)) X(tanh, tanh_(a)) X(log, log_(a)) X(log1p, log1p_(a))      \
    X(sign, a != a ? a : (a > 0) - (a < 0)) X(reciprocal, 1 / a) X(logical_not, a == 0)            \
    X(isfinite, a - a == 0) X(isnan, a != a) X(floor, floor(a)) X(ceil, ceil(a)) X(sin, sin(a))    \
    X(cos, cos(a)) X(tan, tan(a)) X(sinh, sinh(a)) X(cosh, cosh(a)) X(arctan, atan(a))             \
    X(log2, log2(a)) X(log10, log10(a)) X(erf, erf(a)) X(ndtr, 0.5 * erfc(-a * M_SQRT1_2))
#define BINARY(X)                                                                                  \
    X(add, a + b) X(subtract, a - b) X(multiply, a *b) X(divide, a / b)                            \
    X(maximum, (a >= b) | (a != a) ? a : b) X(minimum, (a <= b) | (a != a) ? a : b)                \
    X(equal, a == b) X(not_equal, a != b) X(less, a < b) X(less_equal, a <= b)                     \
    X(greater, a > b) X(greater_equal, a >= b) X(logical_and, (a != 0) & (b != 0))                 \
    X(logical_or, (a != 0) | (b != 0)) X(power, pow(a, b)) X(hypot, hypot(a, b))                   \
    X(arctan2, atan2(a, b)) X(fmod, fmod(a, b))
#define REDUCE(X)                                                                                  \
    X(sum, 0, s + a) X(product, 1, s *a) X(max, -INFINITY, (s >= a) | (s != s) ? s : a)            \
    X(min, INFINITY, (s <= a) | (s != s) ? s : a) X(all, 1, (s != 0) & (a != 0))                   \
    X(any, 0, (s != 0) | (a != 0))
#define OTHER(X) X(loop) X(load) X(store) X(gemm) X(guard) X(where) X(argmax)

enum {
#define ONE(name, ...) name##_code,
#define THREE(name, ...) name##_code, name##_vs_code, name##_sv_code,
    OTHER(ONE) REDUCE(ONE) UNARY(ONE) BINARY(THREE) CODES
};
const char *machine_names(void) { /* in the order of their codes */
#define NAMED(name, ...) #name " "
#define NAMED_THREE(name, ...) #name " " #name "_vs " #name "_sv "
    return OTHER(NAMED) REDUCE(NAMED) UNARY(NAMED) BINARY(NAMED_THREE);
}

typedef struct { /* of one network; memory, source and numbers are double or float */
    const word *code, *order, *moves; /* order of the rows, or NULL; of arrays: move() */
    void *memory;
    const void *source[4], *numbers; /* rows: inputs, targets, weights; numbers of each step */
    word width[4], to[4], sources, rows; /* numbers in a row; where a batch goes; how many */
    word length, size, moved;            /* of the code, in instructions; of memory; of moves */
    word first, steps, batch;            /* first row, steps, rows of a batch */
    word count, each, numbers_to, loss;  /* numbers; or 0 if all steps have the same; addresses */
    word follows, taken, status;         /* the job before it; steps; why it stopped */
    double total, last;                  /* sum over rows of the loss; that of the last step */
} Job;
enum { DONE, GUARD, LOSS, IN = 1, OUT };
INLINE double bits(uint64_t i) { union { uint64_t i; double d; } u = {.i = i}; return u.d; }
INLINE uint64_t bits_of(double d) { union { double d; uint64_t i; } u = {.d = d}; return u.i; }
#define MAGIC 0x1.8p52 /* added to a small integer, it is in the low bits */
INLINE double power_of_2(double k) { return bits((bits_of(k + MAGIC) << 52) + bits_of(1.0)); }
/* e^r - 1 for |r| <= log(2) / 2, the Taylor series; and x = k log 2 + r. */
INLINE double series(double r) {
    double p = 1.0 / 6227020800 * r + 1.0 / 479001600;
    p = p * r + 1.0 / 39916800, p = p * r + 1.0 / 3628800, p = p * r + 1.0 / 362880;
    p = p * r + 1.0 / 40320, p = p * r + 1.0 / 5040, p = p * r + 1.0 / 720, p = p * r + 1.0 / 120;
    return r + r * r * (0.5 + r * ((p * r + 1.0 / 24) * r + 1.0 / 6));
}
INLINE double reduced(double x, double *k) {
    *k = (x * 1.4426950408889634 + MAGIC) - MAGIC;
    return (x - *k * 6.93147180369123816490e-01) - *k * 1.90821492927058770002e-10;
}
INLINE double exp_(double x) {
    double k, c = x > 710 ? 710 : x < -746 ? -746 : x, r = reduced(c, &k);
    double half = (k * 0.5 + MAGIC) - MAGIC; /* two factors, so that each is a normal number */
    return (1 + series(r)) * power_of_2(half) * power_of_2(k - half);
}
INLINE double expm1_(double x) {
    double k, c = x > 710 ? 710 : x < -40 ? -40 : x, r = reduced(c, &k);
    double half = (k * 0.5 + MAGIC) - MAGIC, rest = power_of_2(k - half);
    return power_of_2(half) * (rest * series(r) + (rest - power_of_2(-half)));
}
/* |x| = (k log 2) / 2 + r, e^2r = (1 + q + r) / (1 + q - r), and 1 + q the series of r coth r. */
INLINE double tanh_(double x) {
    double k, a = fabs(x), r = 0.5 * reduced(2 * (a > 18.5 ? 20 : a), &k), s = r * r;
    double u = power_of_2(k) - 1, v = u + 2, q = -1382.0 / 638512875;
    q = q * s + 2.0 / 93555, q = q * s - 1.0 / 4725, q = q * s + 2.0 / 945;
    q = q * s - 1.0 / 45, q = (q * s + 1.0 / 3) * s;
    return copysign((u + (u * (q + r) + 2 * r)) / (v + (v * q + u * r)), x);
}
/* log(u) + c for u > 0, as in fdlibm; c is small. */
INLINE double log_sum(double u, double c) {
    uint64_t k = ((bits_of(u) - 0x3fe6a09e667f3bcd + (1023ull << 52)) >> 52) & 4095;
    double n = bits(k + bits_of(MAGIC)) - MAGIC - 1023, m = bits(bits_of(u) - ((k - 1023) << 52));
    double f = m - 1, s = f / (2 + f), z = s * s, h = 0.5 * f * f, p = 1.479819860511658591e-01;
    p = p * z + 1.531383769920937332e-01, p = p * z + 1.818357216161805012e-01;
    p = p * z + 2.222219843214978396e-01, p = p * z + 2.857142874366239149e-01;
    p = p * z + 3.999999999940941908e-01, p = (p * z + 6.666666666666735130e-01) * z;
    double low = s * (h + p) + (n * 1.90821492927058770002e-10 + c);
    return n * 6.93147180369123816490e-01 - ((h - low) - f);
}
INLINE double log_(double x) {
    double tiny = x < 0x1p-1022, y = log_sum(tiny ? x * 0x1p54 : x, 0) - (tiny ? 54 * M_LN2 : 0);
    return x > 0 ? (x < INFINITY ? y : x) : x == 0 ? -INFINITY : NAN;
}
INLINE double log1p_(double x) {
    double u = 1 + x, y = log_sum(u, (x - (u - 1)) / u);
    return x > -1 ? (x < INFINITY ? y : x) : x == -1 ? -INFINITY : NAN;
}
#define PASTE(a, b, c) a##_##b##_##c
#define PASTED(a, b, c) PASTE(a, b, c)
#define NAME(a) PASTED(a, REAL, SET)
#if defined(__GNUC__) && defined(__x86_64__) && !defined(__clang__)
#define SETS 3
#pragma GCC target("avx512f,avx512dq,avx512vl,avx512bw,fma,prefer-vector-width=512")
#define SET avx512
#define BYTES 64
#include "machine.c"
#pragma GCC reset_options
#pragma GCC target("avx2,fma")
#define SET avx2
#define BYTES 32
#include "machine.c"
#pragma GCC reset_options
#endif
#define SET base
#define BYTES 16
#include "machine.c"

/* The best instruction set of this processor: 0 for the base, 1 for AVX2, 2 for AVX-512. */
word machine_best(void) {
#ifdef SETS
#define HAS __builtin_cpu_supports
    if (HAS("avx512f") && HAS("avx512dq") && HAS("avx512vl") && HAS("avx512bw")) return 2;
    if (HAS("avx2") && HAS("fma")) return 1;
#endif
    return 0;
}
static int inside(const Job *job, word from, word elements) {
    return from >= 0 && elements >= 0 && elements <= job->size && from <= job->size - elements;
}
/* n rows by m columns, with these strides. */
static int area(const Job *job, word from, word n, word step, word m, word by) {
    word size = job->size;
    if (n < 1 || m < 1 || step < 0 || by < 0 || n > size || m > size) return 0;
    if ((step && n - 1 > size / step) || (by && m - 1 > size / by)) return 0;
    return inside(job, from, (n - 1) * step + (m - 1) * by + 1);
}
/* Whether a job stays inside its memory: 0, or 1 + the place of the first wrong instruction. */
static word check(const Job *job) {
    word left = 0, n = 0, block = 0;
    Job whole = *job, *all = &whole; /* without what vectors may touch beyond an end */
    all->size -= PAD + LEAST;
    if (all->size < 0 || job->sources < 0 || job->sources > 4 || job->batch < 1 || job->steps < 0 ||
        job->first < 0 || !inside(all, job->loss, 1) || job->count < 0 || job->each < 0 ||
        !inside(all, job->numbers_to, job->count)) return -1;
    for (word s = 0; s < job->sources; s++)
        if (job->width[s] < 1 || job->width[s] > all->size / job->batch ||
            !inside(all, job->to[s], job->width[s] * job->batch)) return -1;
    for (const word *m = job->moves; m < job->moves + 4 * job->moved; m += 4)
        if (!inside(all, m[1], m[2])) return -1;
    if (job->steps > job->rows / job->batch || job->first > job->rows - job->steps * job->batch)
        return -1;
    for (word i = job->first; job->order && i < job->first + job->steps * job->batch; i++)
        if (job->order[i] < 0 || job->order[i] >= job->rows) return -1;
    for (word i = 0; i < job->length; i++) {
        const word *w = job->code + i * WORDS, code = *w;
        int moves = code == load_code || code == store_code;
        int element = code >= copy_code || code == where_code || moves;
        if (code < 0 || code >= CODES || element != (left > 0)) return i + 1;
        left -= element;
        if (code == loop_code) {
            left = w[1], n = w[2], block = w[3];
            if (left < 1 || left >= job->length - i || n < 1 || n > all->size || block < 1 ||
                block % PAD) return i + 1;
        } else if (moves) {
            word inner = w[5], rows = inner < 1 ? 0 : (n + inner - 1) / inner;
            if (w[2] < 0 || w[2] > 1 || !inside(all, w[1], w[2] ? n : n < block ? n : block) ||
                rows < 1 || !area(all, w[3], rows, w[6], inner < n ? inner : n, w[7])) return i + 1;
        } else if (code == gemm_code) {
            if (!area(all, w[1], w[3], w[2], w[4], 1) || w[2] < w[4] ||
                !area(all, w[6], w[3], w[7], w[5], w[8]) ||
                !area(all, w[9], w[5], w[10], w[4], w[11]) ||
                (w[12] != -1 && !inside(all, w[12], w[4]))) return i + 1;
        } else if (code == guard_code) { if (!inside(all, w[1], 1)) return i + 1; }
        else if (element) { /* result, then two or three arguments; the steps 0, 1 or a number */
            word arguments = code == where_code ? 3 : code < add_code ? 1 : 2;
            for (word k = 0; k <= arguments; k++) {
                word step = w[5 + k], held = step == 2 ? 1 : step ? n : n < block ? n : block;
                if (step < 0 || step > 2 || (step == 2) != (k && code >= add_code &&
                    (code - add_code) % 3 == 3 - k) || !inside(all, w[1 + k], held)) return i + 1;
            }
        } else if (!area(all, w[1], w[3], w[5], w[5], 1) || !area(all, w[2], w[4], w[5], w[5], 1) ||
                   !area(all, w[2], w[3], w[4] * w[5], w[4] * w[5], 1)) return i + 1;
    }
    return left ? job->length : 0;
}
/* Copy arrays into memory or back: each an address, the place in memory, elements, and ways. */
static void move(const Job *job, word way, word bytes) {
    for (const word *m = job->moves, *end = m + 4 * job->moved; m < end; m += 4) {
        void *own = (void *)m[0], *home = (char *)job->memory + m[1] * bytes;
        if (m[3] & way) memcpy(way == IN ? home : own, way == IN ? own : home, m[2] * bytes);
    }
}
/* Take the steps of each job, unless the one it follows stopped; return what is wrong, or 0. */
word machine_run(Job *jobs, word count, word single, word set) {
    word (*run)(Job *) = single ? run_float_base : run_double_base, wrong = 0;
#ifdef SETS
    if (set == 1) run = single ? run_float_avx2 : run_double_avx2;
    if (set == 2) run = single ? run_float_avx512 : run_double_avx512;
#endif
    for (Job *job = jobs; job < jobs + count; job++) {
        job->taken = 0, job->status = DONE;
        if (job > jobs && job->follows) job->status = job[-1].status, job->total = job[-1].total;
        wrong = wrong ? wrong : check(job);
        if (wrong || job->status != DONE) continue;
        move(job, IN, single ? 4 : 8);
        if ((job->taken = run(job))) move(job, OUT, single ? 4 : 8);
    }
    return wrong;
}
void PyInit__machine(void) {} /* it is not imported, but linkers look for this name */

#elif !defined REAL /* for one instruction set: the bytes of its vectors, the rows of a tile */
#define REAL double
#include "machine.c"
#undef REAL
#define REAL float
#include "machine.c"
#undef REAL
#undef SET
#undef BYTES
#else /* for one type, too */
#define LANES (word)(BYTES / sizeof(REAL))
#define TALL (BYTES == 64 ? 8 : 4)
typedef REAL NAME(vec) __attribute__((vector_size(BYTES), aligned(sizeof(REAL)), may_alias));
#define VEC NAME(vec)
#define AT(p) (*(VEC *)(p))

/* rows x vectors of a product, added to the rows at `start`, or to 0 without it. */
INLINE void NAME(tile)(int rows, int vectors, word k, const REAL *a, word as0, word as1,
                       const REAL *b, word bs0, REAL *d, word ds0, word columns, const REAL *start,
                       word ss0) {
    VEC sum[TALL][2];
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++)
            sum[r][v] = start ? AT(start + r * ss0 + v * LANES) : (VEC){0};
    for (word p = 0; p < k; p++)
        for (int r = 0; r < rows; r++) {
            REAL x = a[r * as0 + p * as1];
            for (int v = 0; v < vectors; v++) sum[r][v] += x * AT(b + p * bs0 + v * LANES);
        }
    for (int r = 0; r < rows; r++)
        if (columns >= vectors * LANES)
            for (int v = 0; v < vectors; v++) AT(d + r * ds0 + v * LANES) = sum[r][v];
        else memcpy(d + r * ds0, sum[r], columns * sizeof(REAL));
}
/* The same for any number of rows. */
INLINE void NAME(column)(int vectors, word m, word k, const REAL *a, word as0, word as1,
                         const REAL *b, word bs0, REAL *d, word ds0, word columns,
                         const REAL *start, word ss0) {
    word i = 0;
#define TILES(rows)                                                                                \
    for (; i + (rows) <= m; i += (rows))                                                           \
        NAME(tile)(rows, vectors, k, a + i * as0, as0, as1, b, bs0, d + i * ds0, ds0, columns,     \
                   start ? start + i * ss0 : 0, ss0);
    TILES(TALL) if (TALL > 4) { TILES(4) } TILES(2) TILES(1)
}
/* d[i] = row i of a matrix times a vector, and start; what lies together is taken in vectors. */
static void NAME(dots)(word m, word k, const REAL *a, word as0, word as1, const REAL *b, word bs,
                       REAL *d, word ds, REAL start) {
    for (word i = 0, p = 0; i < m; i++, p = 0, a += as0) {
        VEC sum = {start}; /* and 0 */
        for (; as1 == 1 && bs == 1 && p + LANES <= k; p += LANES) sum += AT(a + p) * AT(b + p);
        for (int half = LANES / 2; p && half; half /= 2)
            for (int v = 0; v < half; v++) sum[v] += sum[v + half];
        for (; p < k; p++) sum[0] += a[p * as1] * b[p * bs];
        d[i * ds] = sum[0];
    }
}
static void NAME(gemm)(const word *w, REAL *memory) {
    REAL *d = memory + w[1], packed[PANEL * 2 * LANES];
    word ds0 = w[2], m = w[3], n = w[4], k = w[5], as0 = w[7], as1 = w[8], bs0 = w[10], bs1 = w[11];
    const REAL *a = memory + w[6], *b = memory + w[9], *bias = w[12] < 0 ? 0 : memory + w[12];
    int across = n == 1 && as0 == 1 && ds0 == 1 && m > 1 && !bias; /* the transposed product */
    for (word j = 0; across && j < m; j += 2 * LANES)
        NAME(tile)(1, 2, k, b, 0, bs0, a + j, as1, d + j, 0, m - j, 0, 0);
    if (across) return;
    if (n == 1) return NAME(dots)(m, k, a, as0, as1, b, bs0, d, ds0, bias ? *bias : 0);
    if (m == 1 && bs1 != 1 && !bias) return NAME(dots)(n, k, b, bs1, bs0, a, as1, d, 1, 0);
    int pack = bs1 != 1 || (m >= 16 && bs0 >= LEAST);
    for (word j = 0; j < n; j += 2 * LANES) {
        word columns = n - j > 2 * LANES ? 2 * LANES : n - j;
        for (word p = 0, depth; p < k; p += depth) {
            word stride = bs0;
            const REAL *panel = b + p * bs0 + j * bs1, *start = p ? d + j : bias ? bias + j : 0;
            depth = pack && k - p > PANEL ? PANEL : k - p;
            for (word q = 0; pack && q < depth; q++)
                for (word c = 0; c < columns; c++)
                    packed[q * 2 * LANES + c] = panel[q * bs0 + c * bs1];
            if (pack) panel = packed, stride = 2 * LANES;
#define COLUMN(vectors)                                                                            \
    NAME(column)(vectors, m, depth, a + p * as1, as0, as1, panel, stride, d + j, ds0, columns,     \
                 start, p ? ds0 : 0);
            if (columns <= LANES) { COLUMN(1) } else { COLUMN(2) }
        }
    }
}
/* d[o, i] from x[o, r, i], over r; a sum over one row is in eight parts. */
static void NAME(reduce)(const word *w, REAL *memory) {
    word outer = w[3], reduced = w[4], inner = w[5], r;
#define NEXT(to, from, value) { REAL s = to, a = from; to = value; }
#define REDUCTION(name, zero, next)                                                                \
    case name##_code:                                                                              \
        for (word o = r = 0; o < outer; o++, r = 0) {                                              \
            REAL *d = memory + w[1] + o * inner, *x = memory + w[2] + o * reduced * inner;         \
            REAL part[8] = {zero, zero, zero, zero, zero, zero, zero, zero};                       \
            for (word i = 0; i < inner; i++) d[i] = zero;                                          \
            if (inner == 1)                                                                        \
                for (; r + 8 <= reduced; r += 8)                                                   \
                    for (int i = 0; i < 8; i++) NEXT(part[i], x[r + i], next)                      \
            for (; r < reduced; r++)                                                               \
                for (word i = 0; i < inner; i++) NEXT(d[i], x[r * inner + i], next)                \
            for (int i = 0; i < 8 && inner == 1; i++) NEXT(*d, part[i], next)                      \
        }                                                                                          \
        break;
    switch (w[0]) {
        REDUCE(REDUCTION)
    case argmax_code: /* of each row: the first of the largest, or of those that are not a number */
        for (word o = 0, at; o < outer; memory[w[1] + o++] = at) {
            REAL *x = memory + w[2] + o * reduced;
            for (r = 1, at = 0; r < reduced; r++)
                if (x[r] > x[at] || (x[r] != x[r] && x[at] == x[at])) at = r;
        }
    }
}
/* An elementwise instruction, for the elements from `start` on; n is a multiple of PAD. */
INLINE void NAME(element)(const word *w, REAL *memory, word start, word count) {
    word n = (count + PAD - 1) & ~(word)(PAD - 1);
#define ARGUMENT(k) (memory + w[k] + (w[k + 4] == 1 ? start : 0))
    REAL *D = ARGUMENT(1);
    const REAL *A = ARGUMENT(2), *B = ARGUMENT(3), *C = ARGUMENT(4);
#define EACH(body) _Pragma("GCC ivdep") for (word i = 0; i < n; i++) { body; }
#define CASE(name, value) case name##_code: EACH(REAL a = A[i]; D[i] = value) break;
#define CASES(name, value)                                                                         \
    case name##_code: EACH(REAL a = A[i]; REAL b = B[i]; D[i] = value) break;                      \
    case name##_vs_code: { REAL b = *B; EACH(REAL a = A[i]; D[i] = value) break; }                 \
    case name##_sv_code: { REAL a = *A; EACH(REAL b = B[i]; D[i] = value) break; }
    switch (w[0]) {
        UNARY(CASE)
        BINARY(CASES)
    case where_code: EACH(REAL a = B[i]; REAL b = C[i]; D[i] = A[i] != 0 ? a : b) break;
    case load_code: case store_code: { /* a matrix with any strides, to or from a dense array */
        word inner = w[5], r = start / inner, c = start % inner, rs = w[6], cs = w[7];
        REAL *dense = memory + w[1] + (w[2] ? start : 0);
        while (count > 0) {
            word m = inner - c < count ? inner - c : count;
            REAL *x = memory + w[3] + r * rs + c * cs;
            if (w[0] == store_code) for (word i = 0; i < m; i++) x[i * cs] = dense[i];
            else for (word i = 0; i < m; i++) dense[i] = x[i * cs];
            dense += m, count -= m, r++, c = 0;
        }
    }
    }
}
static word NAME(run)(Job *job) {
    REAL *memory = job->memory;
    for (word step = 0; step < job->steps; step++) {
        word first = job->first + step * job->batch;
        for (word s = 0; s < job->sources; s++) {
            word width = job->width[s];
            REAL *to = memory + job->to[s];
            for (word i = 0; i < job->batch; i++, to += width) {
                word row = job->order ? job->order[first + i] : first + i;
                for (word c = 0; c < width; c++) to[c] = ((REAL *)job->source[s])[row * width + c];
            }
        }
        memcpy(memory + job->numbers_to, (const REAL *)job->numbers + step * job->each,
               job->count * sizeof(REAL));
        for (const word *w = job->code, *end = w + job->length * WORDS; w < end; w += WORDS) {
            if (*w == loop_code) {
                word own = w[1], n = w[2], block = w[3];
                for (word start = 0; start < n; start += block) {
                    word count = n - start < block ? n - start : block;
                    for (word i = 1; i <= own; i++)
                        NAME(element)(w + i * WORDS, memory, start, count);
                }
                w += own * WORDS;
            } else if (*w == gemm_code) NAME(gemm)(w, memory);
            else if (*w != guard_code) NAME(reduce)(w, memory);
            else if ((memory[w[1]] != 0) != w[2]) { job->status = GUARD; return step; }
        }
        job->last = memory[job->loss], job->total += job->last * job->batch;
        if (!(job->total - job->total == 0)) { job->status = LOSS; return step + 1; }
    }
    return job->steps;
}
#endif
