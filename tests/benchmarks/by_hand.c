/* The same training written by hand in C, for one network of fixed sizes: nothing else can be
   trained. Rows are taken in strips that fit the cache. Compiled by compiled.py with
   -DD0=2 -DD1=16 -DD2=16 -DD3=1 -DSTRIP=32 and -ffast-math, so that loops use vectors of the
   processor and the vector functions of glibc. */
#include <math.h>
#include <stdint.h>
#include <string.h>
#define INLINE static inline __attribute__((always_inline))
#define RELU (D3 > 1)
#define C 16
typedef double vector __attribute__((vector_size(64), aligned(8), may_alias));
#define AT(p) (*(vector *)(p))
enum { W1 = 0, B1 = W1 + D0 * D1, W2 = B1 + D1, B2 = W2 + D1 * D2, W3 = B2 + D2, B3 = W3 + D2 * D3, P = B3 + D3 };

/* d (m, n) = a (m, k) times b (k, n), plus what `from` has: a row (step 0), d itself, or nothing. */
INLINE void product(int m, int n, int k, const double *a, int as0, int as1, const double *b, double *d,
                    const double *from, int step) {
    static double panel[256 * C]; /* columns of b side by side, where they are far apart */
    int j = 0, apart = n > 4 * C && m > 8 && k <= 256, step_b = apart ? C : n;
    for (; j + C <= n; j += C) {
        if (apart)
            for (int p = 0; p < k; p++) memcpy(panel + p * C, b + p * n + j, sizeof(double) * C);
        const double *own = apart ? panel : b + j;
        for (int i = 0; i < m;) {
#define TILE(R)                                                                                    \
    if (i + (R) <= m) {                                                                            \
        vector s[R][2];                                                                            \
        for (int r = 0; r < (R); r++)                                                              \
            for (int c = 0; c < 2; c++) s[r][c] = from ? AT(from + (i + r) * step + j + c * C / 2) : (vector){0}; \
        for (int p = 0; p < k; p++) {                                                              \
            vector x = AT(own + p * step_b), y = AT(own + p * step_b + C / 2);                           \
            for (int r = 0; r < (R); r++) {                                                        \
                double f = a[(i + r) * as0 + p * as1];                                             \
                s[r][0] += f * x, s[r][1] += f * y;                                                \
            }                                                                                      \
        }                                                                                          \
        for (int r = 0; r < (R); r++)                                                              \
            for (int c = 0; c < 2; c++) AT(d + (i + r) * n + j + c * C / 2) = s[r][c];             \
        i += (R);                                                                                  \
        continue;                                                                                  \
    }
            TILE(8) TILE(4) TILE(2) TILE(1)
        }
    }
    if (j == n) return;
    if (n == 1 && as0 == 1) { /* rows of a are together */
        for (int i = 0; i < m; i++) d[i] = from ? from[i * step] : 0;
        for (int p = 0; p < k; p++)
            for (int i = 0; i < m; i++) d[i] += a[i + p * as1] * b[p];
        return;
    }
    for (int i = 0; i < m; i++) {
        double t[C];
        for (int c = 0; c < n - j; c++) t[c] = from ? from[i * step + j + c] : 0;
        for (int p = 0; p < k; p++)
            for (int c = 0; c < n - j; c++) t[c] += a[i * as0 + p * as1] * b[p * n + j + c];
        for (int c = 0; c < n - j; c++) d[i * n + j + c] = t[c];
    }
}
INLINE void sums(int m, int n, const double *g, double *d) {
    for (int i = 0; i < m; i++)
        for (int c = 0; c < n; c++) d[c] += g[i * n + c];
}
INLINE void activate(double *h, int n) {
    for (int i = 0; i < n; i++) h[i] = RELU ? (h[i] > 0 ? h[i] : 0) : tanh(h[i]);
}
INLINE void slope(double *g, const double *h, int n) {
    for (int i = 0; i < n; i++) g[i] = RELU ? (h[i] > 0 ? g[i] : 0) : g[i] * (1 - h[i] * h[i]);
}
INLINE void transposed(int m, int n, const double *w, double *to) {
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) to[j * m + i] = w[i * n + j];
}
static double h1[STRIP * D1], h2[STRIP * D2], z[STRIP * D3], g1[STRIP * D1], g2[STRIP * D2];
INLINE void forward(int n, const double *w, const double *X) {
    product(n, D1, D0, X, D0, 1, w + W1, h1, w + B1, 0);
    activate(h1, n * D1);
    product(n, D2, D1, h1, D1, 1, w + W2, h2, w + B2, 0);
    activate(h2, n * D2);
    product(n, D3, D2, h2, D2, 1, w + W3, z, w + B3, 0);
}
/* Return the loss of n rows; add those whose class is right, or leave the gradient in z. */
INLINE double losses(int n, int batch, const double *t, int64_t *right) {
    double loss = 0;
    if (D3 == 1)
        for (int i = 0; i < n; i++) {
            double e = exp(-fabs(z[i])), x = z[i];
            loss += (x > 0 ? x : 0) - t[i] * x + log1p(e);
            if (right) *right += (x > 0) == (t[i] > 0.5);
            else z[i] = ((x >= 0 ? 1 : e) / (1 + e) - t[i]) / batch;
        }
    else
        for (int i = 0; i < n; i++) {
            double *x = z + i * D3, top = x[0], sum = 0;
            int own = (int)t[i];
            for (int c = 1; c < D3; c++) top = x[c] > top ? x[c] : top;
            double difference = x[own] - top;
            if (right) *right += difference == 0;
            for (int c = 0; c < D3; c++) x[c] = exp(x[c] - top);
            for (int c = 0; c < D3; c++) sum += x[c];
            loss += log(sum) - difference;
            for (int c = 0; c < D3; c++) x[c] = (x[c] / sum - (c == own)) / batch;
        }
    return loss;
}
/* Return the mean loss of n rows, and the share whose class is right. */
double measure(const double *w, const double *X, const double *t, int64_t n, double *accuracy) {
    double loss = 0;
    int64_t right = 0;
    for (int64_t from = 0; from < n; from += STRIP) {
        int rows = n - from < STRIP ? (int)(n - from) : STRIP;
        if (rows == STRIP) forward(STRIP, w, X + from * D0), loss += losses(STRIP, 1, t + from, &right);
        else forward(rows, w, X + from * D0), loss += losses(rows, 1, t + from, &right);
    }
    *accuracy = (double)right / n;
    return loss / n;
}
/* Add the loss and gradient of n rows, of a batch of `batch`. */
INLINE double strip(int n, int batch, const double *w, double *g, const double *X, const double *t,
                    const double *W2T, const double *W3T) {
    forward(n, w, X);
    double loss = losses(n, batch, t, 0);
    product(D2, D3, n, h2, 1, D2, z, g + W3, g + W3, D3);
    sums(n, D3, z, g + B3);
    product(n, D2, D3, z, D3, 1, W3T, g2, 0, 0);
    slope(g2, h2, n * D2);
    product(D1, D2, n, h1, 1, D1, g2, g + W2, g + W2, D2);
    sums(n, D2, g2, g + B2);
    product(n, D1, D2, g2, D2, 1, W2T, g1, 0, 0);
    slope(g1, h1, n * D1);
    product(D0, D1, n, X, 1, D0, g1, g + W1, g + W1, D1);
    sums(n, D1, g1, g + B1);
    return loss;
}
/* Take the steps of an epoch of NAG; w and v (P,), order (n,) or NULL. Return the mean loss. */
double epoch(double *w, double *v, const double *X, const double *t, const int64_t *order, int64_t n, int64_t batch,
             double lr, double m) {
    static double g[P], x[STRIP * D0], y[STRIP], W2T[D1 * D2], W3T[D2 * D3];
    double loss = 0;
    for (int64_t first = 0; first < n; first += batch) {
        int64_t rows = n - first < batch ? n - first : batch;
        double sum = 0;
        for (int i = 0; i < P; i++) w[i] -= m * v[i], g[i] = 0;
        transposed(D1, D2, w + W2, W2T);
        transposed(D2, D3, w + W3, W3T);
        for (int64_t from = 0; from < rows; from += STRIP) {
            int64_t count = rows - from < STRIP ? rows - from : STRIP;
            for (int64_t i = 0; i < count; i++) {
                int64_t row = order ? order[first + from + i] : first + from + i;
                memcpy(x + i * D0, X + row * D0, sizeof(double) * D0);
                y[i] = t[row];
            }
            sum += count == STRIP ? strip(STRIP, (int)rows, w, g, x, y, W2T, W3T)
                   : count == 1   ? strip(1, (int)rows, w, g, x, y, W2T, W3T)
                                  : strip((int)count, (int)rows, w, g, x, y, W2T, W3T);
        }
        for (int i = 0; i < P; i++) {
            double step = lr * g[i];
            v[i] = m * v[i] + step;
            w[i] -= step;
        }
        loss += sum;
    }
    return loss / n;
}
